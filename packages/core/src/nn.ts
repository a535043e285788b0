/** @file `tf.nn`: activations, convolutions, pooling, normalisation, losses on logits. */
export {
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  conv2dTranspose,
  depthwiseConv2dNative,
} from './ops/conv.ts';
export { sigmoid, tanh } from './ops/math.ts';
export { relu } from './ops/nn.ts';
export { avgPool, maxPool } from './ops/pool.ts';
export {
  logSoftmax,
  softmax,
} from './ops/softmax.ts';
