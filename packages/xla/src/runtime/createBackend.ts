/** @file Makes a backend by name. */
import type { Backend, BackendName, BackendOptions, CreateBackend } from '../backend.ts';
import { compileToProgram } from '../compileToProgram.ts';
import { XlaError } from '../hlo/errors.ts';
import { InterpretBackend } from './interpretBackend.ts';
import { type Lower, WasmBackend } from './wasmBackend.ts';

/** The compiler up to the program, as the backends take it. */
export const lower: Lower = (module, target) => {
  const { program, timings } = compileToProgram(module, target);
  return { program, phases: timings };
};

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
