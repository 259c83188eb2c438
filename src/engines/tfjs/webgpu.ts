/** tfjs's webgpu backend as a device: what it tells of its adapter and of its errors. */

import { nth } from '../../diagnostics/index.js';
import type { Tf } from './tensor_device.js';

export interface Webgpu {
  readonly tf: Tf;
  readonly detail: string;
  /** Most bytes that one array may have: what the device lets a kernel bind. */
  readonly largest: number;
  /** What the device complained of since it was last asked: its arrays are garbage then. */
  readonly complaint: () => string | undefined;
}

/** What of WebGPU's own interface is used. */
export interface Adapter {
  readonly info?: {
    readonly vendor?: string;
    readonly architecture?: string;
    readonly description?: string;
    /** A driver that computes in software. */
    readonly isFallbackAdapter?: boolean;
  };
  readonly limits: { readonly maxStorageBufferBindingSize: number; readonly maxBufferSize: number };
}

export function largestArray({ limits }: Adapter): number {
  return Math.min(limits.maxStorageBufferBindingSize, limits.maxBufferSize);
}

export function adapterName({ info }: Adapter): string {
  return [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(' ') || 'an unnamed adapter';
}

/** WebGPU reports errors of kernels to the device's listeners, not to whoever ran them. */
export function listen(tf: Tf): Webgpu['complaint'] {
  let first: string | undefined;
  const { device } = tf.backend() as unknown as { device: EventTarget };
  device.addEventListener('uncapturederror', event => {
    event.preventDefault();
    first ??= nth((event as Event & { error: { message: string } }).error.message.split('\n'), 0);
  });
  return () => {
    const told = first;
    first = undefined;
    return told;
  };
}
