/** @file `tf.bitwise`: operations on the bits of integers. */
export { bitwiseAnd, bitwiseOr, bitwiseXor, leftShift, rightShift } from './ops/mathBinary.ts';
export { invert, populationCount } from './ops/mathUnary.ts';
