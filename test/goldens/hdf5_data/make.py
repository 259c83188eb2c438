"""Files for HDF5Data as people write them with h5py, and a .solverstate.h5: python make.py (needs h5py, numpy)."""
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
# What Caffe's SnapshotSolverStateToHDF5 writes, by the same types: int32 of one element, a null-terminated string.
with h5py.File(f'{HERE}/state.solverstate.h5', 'w') as f:
    f.create_dataset('iter', data=np.array([16777217], 'i4'))
    name = b'lenet_iter_4.caffemodel.h5'
    tid = h5py.h5t.C_S1.copy()
    tid.set_size(len(name) + 1)
    tid.set_strpad(h5py.h5t.STR_NULLTERM)
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    d = h5py.h5d.create(f.id, b'learned_net', tid, space)
    d.write(space, space, np.array(name, f'S{len(name) + 1}'), tid)
    f.create_dataset('current_step', data=np.array([3], 'i4'))
    f.create_dataset('history/0', data=np.arange(6, dtype='f4').reshape(2, 3))
    f.create_dataset('history/1', data=np.array([-1, 0.5], 'f4'))
