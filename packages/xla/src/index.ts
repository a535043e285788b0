/** @file Public API of the compiler: HLO in, executables out. */

export type * from './backend.ts';
export { type Env, env, envHelp, withEnv } from './env.ts';
export { HloBuilder } from './hlo/builder.ts';
export type { Builder, Value } from './hlo/builderApi.ts';
export { XlaError, type XlaErrorCode, type XlaErrorDetails } from './hlo/errors.ts';
export { dimsOf, dtypeOf, shapeOf } from './hlo/graph.ts';
export { evaluateConstant, interpretModule } from './hlo/interpret.ts';
export * from './hlo/literal.ts';
export {
  decoder,
  elementAt,
  encoder,
  encodeScalar,
  literalFrom,
  literalOf,
  type Scalar,
  sameLiteral,
  scalarLiteral,
  toNumbers,
  zeroLiteral,
} from './hlo/literals.ts';
export type * from './hlo/module.ts';
export type * from './hlo/opcodes.ts';
export { parseModule } from './hlo/parse.ts';
export { literalText, type PrintOptions, printComputation, printModule } from './hlo/print.ts';
export * from './hlo/shape.ts';
export { verifyModule } from './hlo/verify.ts';
export { createBackend } from './runtime/createBackend.ts';
