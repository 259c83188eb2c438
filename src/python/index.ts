/** A user's own Python files, run as they are by a python3 process with numpy and a small `caffe` module. */
export { PythonLayer } from './layer.js';
export { interpreters, type PythonOptions, PythonProcess } from './process.js';
