"""Made the files beside this (those that truth.json names) with pydicom, imagecodecs and pyjpegls; words have random
bits outside of BitsStored where the name says junk."""
import numpy as np, imagecodecs as ic, json, pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_fragments
from pydicom.uid import *
truth={}
rng=np.random.default_rng(3)
def pic(h,w,lo,hi):
    y,x=np.mgrid[:h,:w]; a=(np.sin(x/7)+np.cos(y/5)+rng.normal(0,.05,(h,w))+2.3)/4.6
    return (lo+np.clip(a,0,1)*(hi-lo)).astype(int)
def save(name,frames,ts,ba=16,bs=16,hb=None,signed=0,enc=None,frag=1,bot=True,samples=1,photo='MONOCHROME2',planar=0,raw=None,be=False,vr=None):
    frames=[np.asarray(f) for f in frames]; hb=bs-1 if hb is None else hb
    ds=Dataset(); fm=FileMetaDataset(); fm.TransferSyntaxUID=ts; fm.MediaStorageSOPClassUID=MRImageStorage; fm.MediaStorageSOPInstanceUID='1.2.3'; ds.file_meta=fm
    ds.SOPClassUID=MRImageStorage; ds.SOPInstanceUID='1.2.3'
    ds.Rows,ds.Columns=frames[0].shape[:2]; ds.SamplesPerPixel=samples; ds.PhotometricInterpretation=photo
    ds.BitsAllocated=ba; ds.BitsStored=bs; ds.HighBit=hb; ds.PixelRepresentation=signed
    if samples==3: ds.PlanarConfiguration=planar
    if len(frames)>1: ds.NumberOfFrames=len(frames)
    if enc:
        e=[enc(f) for f in frames]
        if frag==1: ds.PixelData=encapsulate(e,has_bot=bot)
        else: ds.PixelData=encapsulate(e,fragments_per_frame=frag,has_bot=bot)
        ds['PixelData'].is_undefined_length=True; ds['PixelData'].VR='OB'
    else:
        ds.PixelData=raw; ds['PixelData'].VR=vr or ('OW' if ba>8 else 'OB')
    ds.save_as(name+'.dcm',enforce_file_format=True)
    truth[name]=[f.ravel().tolist() for f in frames]
def words(a,ba,bs,hb,junk=True,be=False):
    m=(1<<bs)-1; sh=hb+1-bs
    u=(a.astype(np.int64)&m)<<sh
    if junk:
        unused=((1<<ba)-1)&~(m<<sh); u=u|(rng.integers(0,1<<ba,a.shape)&unused)
    dt={8:'u1',16:'u2',32:'u4'}[ba]
    b=u.astype(('>' if be else '<')+dt).tobytes()
    return b+(b'\0' if len(b)%2 else b'')
E_LE=ExplicitVRLittleEndian
a=pic(23,31,0,4095); save('bs12_hb11_junk',[a],E_LE,16,12,raw=words(a,16,12,11))
save('bs12_hb15_junk',[a],E_LE,16,12,15,raw=words(a,16,12,15))
s=pic(23,31,-2048,2047); save('s12',[s],E_LE,16,12,signed=1,raw=words(s,16,12,11,False)); save('s12_junk_hb14',[s],ImplicitVRLittleEndian,16,12,14,1,raw=words(s,16,12,14))
save('s12_be',[s],ExplicitVRBigEndian,16,12,signed=1,raw=words(s,16,12,11,True,True))
s16=pic(9,7,-32768,32767); save('s16',[s16],E_LE,16,16,signed=1,raw=words(s16,16,16,15))
b8=pic(7,9,0,255); save('b8_odd',[b8],E_LE,8,8,raw=words(b8,8,8,7)); save('b8_mf_odd',[b8,b8[::-1],b8*0+3],E_LE,8,8,raw=(lambda b:b+(b'\0' if len(b)%2 else b''))(b''.join(f.astype('u1').tobytes() for f in [b8,b8[::-1],b8*0+3])))
be=b8.astype('u1').tobytes()+b'\0'; sw=np.frombuffer(be,'u1').reshape(-1,2)[:,::-1].tobytes()
save('b8_be_ow',[b8],ExplicitVRBigEndian,8,8,raw=sw,vr='OW')
u32=pic(5,6,0,2**32-1); save('u32',[u32],E_LE,32,32,raw=words(u32,32,32,31))
save('bs5',[pic(8,8,0,31)],E_LE,8,5,raw=None or b'') if 0 else None
# deflated
save('defl12',[a],DeflatedExplicitVRLittleEndian,16,12,raw=words(a,16,12,11))
rgb=np.stack([b8,255-b8,b8//2],-1); save('rgb_planar',[rgb],E_LE,8,8,samples=3,photo='RGB',planar=1,raw=rgb.astype('u1').transpose(2,0,1).tobytes()+b'\0'); 
# RLE via pydicom
from pydicom.pixels.encoders import RLELosslessEncoder
def rle(name,frames,ba,bs,signed=0,samples=1,photo='MONOCHROME2',**k):
    def enc(f):
        arr=np.asarray(f).astype({8:'u1',16:'u2',32:'u4'}[ba] if not signed else {8:'i1',16:'i2'}[ba])
        return RLELosslessEncoder.encode(arr,rows=arr.shape[0],columns=arr.shape[1],samples_per_pixel=samples,bits_allocated=ba,bits_stored=bs,pixel_representation=signed,number_of_frames=1,photometric_interpretation=photo,planar_configuration=0,transfer_syntax_uid=RLELossless) if not 0 else None
    save(name,frames,RLELossless,ba,bs,signed=signed,enc=enc,samples=samples,photo=photo,planar=0,**k)
for nm,args in dict(rle12=([a],16,12),rle_s12=([s],16,12,1),rle8odd=([b8],8,8),rle_mf=([a,a[::-1],a*0],16,12),rle_rgb=([rgb],8,8,0,3,'RGB'),rle32=([u32],32,32)).items():
    try: rle(nm,*args)
    except Exception as e: print('skip',nm,repr(e)[:200])
# JPEG lossless
for pr in range(1,8):
    for bits in (8,12,16):
        f=pic(19+pr,33,0,(1<<bits)-1)
        try: save(f'jl_p{pr}_{bits}',[f],JPEGLossless if pr!=1 else JPEGLosslessSV1,8 if bits==8 else 16,bits,enc=lambda g:ic.jpeg8_encode(np.ascontiguousarray(g.astype('u1' if bits==8 else 'u2')),lossless=True,predictor=pr,bitspersample=bits))
        except Exception as e: print('skip jl',pr,bits,repr(e)[:150])
f=pic(40,50,0,4095)
jl=lambda g:ic.jpeg8_encode(np.ascontiguousarray(g.astype('u2')),lossless=True,predictor=1,bitspersample=12)
for frag in (1,3):
    for bot in (True,False): save(f'jl_mf_f{frag}_{bot}',[f,f[::-1],f//2],JPEGLosslessSV1,16,12,enc=jl,frag=frag,bot=bot)
save('jl_frag4',[f],JPEGLosslessSV1,16,12,enc=jl,frag=4)
su=pic(20,22,-500,1500); save('jl_signed16',[su],JPEGLosslessSV1,16,16,signed=1,enc=lambda g:ic.jpeg8_encode(np.ascontiguousarray((g&0xffff).astype('u2')),lossless=True,predictor=1,bitspersample=16))
save('jl_signed12in16',[su],JPEGLosslessSV1,16,12,signed=1,enc=lambda g:ic.jpeg8_encode(np.ascontiguousarray((g&0xffff).astype('u2')),lossless=True,predictor=1,bitspersample=16))
save('jl_ljpeg',[f],JPEGLossless,16,12,enc=lambda g:ic.ljpeg_encode(g.astype('u2'),bitspersample=12))
try: save('jl_rgb',[rgb],JPEGLossless,8,8,samples=3,photo='RGB',enc=lambda g:ic.jpeg8_encode(g.astype('u1'),lossless=True,predictor=1,colorspace='rgb',outcolorspace='rgb'))
except Exception as e: print('skip rgb',e)
# JPEG-LS
for bits in (8,10,12,16):
    f=pic(21,33,0,(1<<bits)-1); save(f'jls_{bits}',[f],JPEGLSLossless,8 if bits==8 else 16,bits,enc=lambda g:ic.jpegls_encode(g.astype('u1' if bits==8 else 'u2')))
import jpeg_ls
f=pic(21,33,0,4095); save('jls_12b',[f],JPEGLSLossless,16,12,enc=lambda g:jpeg_ls.encode_buffer(g.astype('<u2').tobytes(),rows=21,columns=33,samples_per_pixel=1,bits_stored=12))
save('jls_s12',[s],JPEGLSLossless,16,12,signed=1,enc=lambda g:jpeg_ls.encode_buffer((g&0xfff).astype('<u2').tobytes(),rows=23,columns=31,samples_per_pixel=1,bits_stored=12))
save('jls_rgb',[rgb],JPEGLSLossless,8,8,samples=3,photo='RGB',enc=lambda g:ic.jpegls_encode(g.astype('u1')))
# J2K
for bits in (8,12,16):
    f=pic(35,33,0,(1<<bits)-1); save(f'j2k_{bits}',[f],JPEG2000Lossless,8 if bits==8 else 16,bits,enc=lambda g:ic.jpeg2k_encode(np.ascontiguousarray(g.astype('u1' if bits==8 else 'u2')),bitspersample=bits,codecformat='j2k',reversible=True,level=0))
save('j2k_s16',[su],JPEG2000Lossless,16,16,signed=1,enc=lambda g:ic.jpeg2k_encode(np.ascontiguousarray(g.astype('i2')),codecformat='j2k',reversible=True,level=0))
save('j2k_rgb',[rgb],JPEG2000Lossless,8,8,samples=3,photo='YBR_RCT',enc=lambda g:ic.jpeg2k_encode(np.ascontiguousarray(g.astype('u1')),codecformat='j2k',reversible=True,level=0))
try: save('htj2k',[f],HTJ2KLossless,16,16,enc=lambda g:ic.htj2k_encode(np.ascontiguousarray(g.astype('u2')),reversible=True))
except Exception as e: print('skip ht',e)
# baseline
g8=pic(37,41,0,255); enc=ic.jpeg8_encode(g8.astype('u1'),level=90); dec=ic.jpeg8_decode(enc)
save('jpeg8',[dec],JPEGBaseline8Bit,8,8,enc=lambda g:enc)
e12=ic.jpeg8_encode(pic(37,41,0,4095).astype('u2'),level=90,bitspersample=12); d12=ic.jpeg8_decode(e12); save('jpeg12',[d12],JPEGExtended12Bit,16,12,enc=lambda g:e12)
json.dump(truth,open('truth.json','w'))
