// A thread of tfjs-backend-wasm's pthread build under Node. The package ships the thread's program as a string meant for
// a browser's worker; here it gets what it asks of one: a way to load the main script by file.
const path = require('node:path');

const wasmOut = path.join(path.dirname(require.resolve('@tensorflow/tfjs-backend-wasm')), '..', 'wasm-out');
const mainScript = path.join(wasmOut, 'tfjs-backend-wasm-threaded-simd.js');
const { wasmWorkerContents } = require(path.join(wasmOut, 'tfjs-backend-wasm-threaded-simd.worker.js'));

globalThis.__filename = mainScript;
globalThis.__dirname = wasmOut;
URL.createObjectURL = () => mainScript;
URL.revokeObjectURL = () => {};
new Function('require', '__filename', wasmWorkerContents.replace(/\n/g, '\\n'))(require, mainScript);
