/** Writes MR pictures as DICOM files: explicit VR little endian, 16 bits allocated (PS3.10, the MR Image module). */

const EXPLICIT_LE = '1.2.840.10008.1.2.1';
const MR_IMAGE = '1.2.840.10008.5.1.4.1.1.4';
/** Under 2.25 any number may be used without registration (PS3.5 annex B.2). */
export const IMPLEMENTATION = '2.25.309121764398651724410833';

export interface MrPicture {
  readonly rows: number;
  readonly columns: number;
  /** Stored values, 0 to 2^bitsStored − 1. */
  readonly pixels: Uint16Array;
  /** 1 to 16; 12 as scanners have it. */
  readonly bitsStored?: number;
  readonly patientName: string;
  readonly patientId: string;
  readonly studyUid: string;
  readonly seriesUid: string;
  readonly instanceUid: string;
  readonly seriesNumber: number;
  readonly instanceNumber: number;
  readonly seriesDescription?: string;
  /** Millimetres a pixel, down and across. */
  readonly pixelSpacing: readonly [number, number];
  /** Millimetres. */
  readonly sliceThickness: number;
  readonly sliceLocation: number;
}

type Element = readonly [tag: number, vr: string, value: string | number | Uint16Array];

/** The bytes of a DICOM file. */
export function writeMrDicom(picture: MrPicture): Uint8Array {
  const bitsStored = picture.bitsStored ?? 12;
  const location = decimal(picture.sliceLocation);
  const elements: Element[] = [
    [0x00080005, 'CS', 'ISO_IR 192'],
    [0x00080008, 'CS', 'DERIVED\\SECONDARY\\OTHER'],
    [0x00080016, 'UI', MR_IMAGE],
    [0x00080018, 'UI', picture.instanceUid],
    [0x00080060, 'CS', 'MR'],
    [0x00080070, 'LO', 'Mokapot phantom'],
    [0x0008103e, 'LO', picture.seriesDescription ?? ''],
    [0x00100010, 'PN', picture.patientName],
    [0x00100020, 'LO', picture.patientId],
    [0x00180050, 'DS', decimal(picture.sliceThickness)],
    [0x0020000d, 'UI', picture.studyUid],
    [0x0020000e, 'UI', picture.seriesUid],
    [0x00200011, 'IS', String(picture.seriesNumber)],
    [0x00200013, 'IS', String(picture.instanceNumber)],
    [0x00200032, 'DS', `0\\0\\${location}`],
    [0x00200037, 'DS', '1\\0\\0\\0\\1\\0'],
    [0x00201041, 'DS', location],
    [0x00280002, 'US', 1],
    [0x00280004, 'CS', 'MONOCHROME2'],
    [0x00280010, 'US', picture.rows],
    [0x00280011, 'US', picture.columns],
    [0x00280030, 'DS', picture.pixelSpacing.map(decimal).join('\\')],
    [0x00280100, 'US', 16],
    [0x00280101, 'US', bitsStored],
    [0x00280102, 'US', bitsStored - 1],
    [0x00280103, 'US', 0],
    [0x7fe00010, 'OW', picture.pixels],
  ];
  const meta: Element[] = [
    [0x00020001, 'OB', '\x00\x01'],
    [0x00020002, 'UI', MR_IMAGE],
    [0x00020003, 'UI', picture.instanceUid],
    [0x00020010, 'UI', EXPLICIT_LE],
    [0x00020012, 'UI', IMPLEMENTATION],
    [0x00020013, 'SH', 'MOKAPOT'],
  ];
  const head = Buffer.concat(meta.map(encodeElement));
  const length = Buffer.alloc(12);
  encodeHead(length, 0x00020000, 'UL', 4);
  length.writeUInt32LE(head.length, 8);
  const preamble = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')]);
  return Buffer.concat([preamble, length, head, ...elements.map(encodeElement)]);
}

/** A DS of at most 16 characters. */
function decimal(value: number): string {
  return String(Number(value.toPrecision(10))).slice(0, 16);
}

function encodeElement([tag, vr, value]: Element): Buffer {
  const long = vr === 'OB' || vr === 'OW';
  const bytes = encodeValue(vr, value);
  const head = Buffer.alloc(long ? 12 : 8);
  encodeHead(head, tag, vr, bytes.length);
  return Buffer.concat([head, bytes]);
}

function encodeHead(head: Buffer, tag: number, vr: string, length: number): void {
  head.writeUInt16LE(tag >>> 16, 0);
  head.writeUInt16LE(tag & 0xffff, 2);
  head.write(vr, 4, 'latin1');
  if (vr === 'OB' || vr === 'OW') head.writeUInt32LE(length, 8);
  else head.writeUInt16LE(length, 6);
}

/** Values have an even length: texts are filled up by a blank, UIDs and bytes by zero. */
function encodeValue(vr: string, value: string | number | Uint16Array): Buffer {
  if (value instanceof Uint16Array) {
    const bytes = Buffer.alloc(2 * value.length);
    for (let i = 0; i < value.length; i++) bytes.writeUInt16LE(value[i]!, 2 * i);
    return bytes;
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(value);
    return bytes;
  }
  const bytes = Buffer.from(value, vr === 'OB' ? 'latin1' : 'utf8');
  const fill = vr === 'UI' || vr === 'OB' ? '\0' : ' ';
  return bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.from(fill)]);
}
