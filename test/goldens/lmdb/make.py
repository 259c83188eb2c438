"""Writes data.mdb beside this file: Datums as Caffe's tools write them, by Python's lmdb 0.9 (pip install lmdb).

Datums are put together by hand so that no Caffe is needed: fields 1 channels, 2 height, 3 width, 4 data, 5 label,
6 float_data, 7 encoded.
"""
import io, os, shutil, struct, tempfile
import lmdb
from PIL import Image

def varint(n):
    out = b''
    while n > 127:
        out += bytes([n & 127 | 128]); n >>= 7
    return out + bytes([n])

def datum(channels, height, width, data=b'', label=0, floats=(), encoded=False):
    out = b'\x08' + varint(channels) + b'\x10' + varint(height) + b'\x18' + varint(width)
    if data: out += b'\x22' + varint(len(data)) + data
    out += b'\x28' + varint(label)
    for f in floats: out += b'\x35' + struct.pack('<f', f)
    return out + (b'\x38\x01' if encoded else b'')

def png(size, mode, pixels):
    image = Image.new(mode, size); image.putdata(pixels); file = io.BytesIO(); image.save(file, 'PNG'); return file.getvalue()

rgb = [(i, 2 * i, 255 - i) for i in range(6)]
entries = {
    b'00000000_bytes': datum(1, 2, 3, bytes(range(250, 256)), 7),
    b'00000001_floats': datum(1, 2, 2, label=1, floats=[-1.5, 300, 0.25, 4095]),
    b'00000002_large': datum(1, 70, 70, bytes(i % 251 for i in range(4900)), 2),
    b'00000003_png': datum(3, 2, 3, png((3, 2), 'RGB', rgb), 3, encoded=True),
    b'00000004_grey_png': datum(1, 2, 3, png((3, 2), 'L', [0, 1, 2, 3, 255, 9]), 4, encoded=True),
}
folder = tempfile.mkdtemp()
env = lmdb.open(folder, map_size=1 << 20)
for key, value in reversed(list(entries.items())):
    with env.begin(write=True) as txn:
        txn.put(key, value)
env.close()
shutil.copy(os.path.join(folder, 'data.mdb'), os.path.join(os.path.dirname(os.path.abspath(__file__)), 'data.mdb'))
