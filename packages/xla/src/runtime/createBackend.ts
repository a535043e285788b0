/** @file Makes a backend by name. */
import type { Backend, BackendName, BackendOptions, CreateBackend } from '../backend.ts';
import { XlaError } from '../hlo/errors.ts';
import { lowerModule } from '../kernels/lowerModule.ts';
import { InterpretBackend } from './interpretBackend.ts';
import { type Lower, WasmBackend } from './wasmBackend.ts';

export const lower: Lower = (module, target) => ({ program: lowerModule(module, target), phases: new Map() });

const makers: { readonly [N in BackendName]: (options: BackendOptions) => Backend } = {
  interpret: () => new InterpretBackend(),
  wasm: (options) => new WasmBackend(lower, options),
};

/**
 * A backend: `wasm` (compiled, the default everywhere) or `interpret` (reference, slow).
 * `threads` defaults to the machine's logical CPUs; 1 never starts a worker. Throws INVALID_ARGUMENT for other names.
 */
export const createBackend: CreateBackend = async (name, options = {}) => {
  const make = makers[name];
  if (!make) {
    const known = Object.keys(makers).join(', ');
    throw new XlaError('INVALID_ARGUMENT', `there is no backend "${name}"; supported are ${known}`);
  }
  return make(options);
};
