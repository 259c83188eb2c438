"""Data files for HDF5Data as people write them with h5py: python make.py (needs h5py, numpy)."""
import os
import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def rows(start, n):
    i = np.arange(start, start + n)
    return (100 * i[:, None, None, None] + np.arange(6).reshape(1, 1, 2, 3)), i


with h5py.File(f'{HERE}/plain.h5', 'w') as f:
    data, i = rows(0, 3)
    f['data'] = data.astype('f4')
    f['label'] = (i % 2).astype('f4')
with h5py.File(f'{HERE}/packed.h5', 'w') as f:
    data, i = rows(3, 4)
    f.create_dataset('data', data=data.astype('f8'), compression='gzip', chunks=(2, 1, 2, 3), shuffle=True)
    f.create_dataset('label', data=(i % 2).astype('i8'))
