/** To ONNX. */

import { fail } from '../diagnostics/index.js';
import type { Job, TargetReport } from './types.js';

export async function convertOnnx(_job: Job): Promise<TargetReport> {
  throw fail('convert-options', 'ONNX is not written yet.');
}
