/** @file `tf.math`: the functions of the root that TensorFlow also lists under math. */

export { zeroFraction } from './nn/activations.ts';
export { l2Normalize } from './nn/moments.ts';
export { logSoftmax, softmax } from './nn/softmax.ts';
export {
  unsortedSegmentMax,
  unsortedSegmentMean,
  unsortedSegmentMin,
  unsortedSegmentProd,
  unsortedSegmentSqrtN,
  unsortedSegmentSum,
} from './ops/arraySegment.ts';
export { invertPermutation } from './ops/arrayShape.ts';
export {
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  notEqual,
} from './ops/compare.ts';
export { cumprod, cumsum, cumulativeLogsumexp } from './ops/cumulative.ts';
export { add, addN, exp, log, multiply, negative, sigmoid, sqrt, square, subtract, tanh } from './ops/math.ts';
export {
  accumulateN,
  atan2,
  divNoNan as divideNoNan,
  floorDiv as floordiv,
  floorMod as floormod,
  floorMod as mod,
  maximum,
  minimum,
  multiplyNoNan,
  pow,
  reciprocalNoNan,
  scalarMul,
  squaredDifference,
  truediv,
  truediv as divide,
  xdivy,
  xlog1py,
  xlogy,
} from './ops/mathBinary.ts';
export {
  besselI0,
  besselI0e,
  besselI1,
  besselI1e,
  digamma,
  erf,
  erfc,
  erfinv,
  lgamma,
  polygamma,
  zeta,
} from './ops/mathSpecial.ts';
export {
  abs,
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  ceil,
  cos,
  cosh,
  expm1,
  floor,
  isFinite,
  isInf,
  isNan,
  log1p,
  logSigmoid,
  reciprocal,
  rint,
  round,
  rsqrt,
  sign,
  sin,
  sinh,
  tan,
} from './ops/mathUnary.ts';
export { softplus, softsign } from './ops/nn.ts';
export {
  countNonzero,
  reduceAll,
  reduceAny,
  reduceEuclideanNorm,
  reduceLogsumexp,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProd,
  reduceStd,
  reduceSum,
  reduceVariance,
} from './ops/reduce.ts';
export { inTopK, topK } from './ops/topK.ts';
