/** @file `tf.nn`: activations, convolutions, pooling, normalisation, losses on logits. */
export * from './nn/activations.ts';
export * from './nn/conv.ts';
export { type DropoutOptions, dropout } from './nn/dropout.ts';
export { type EmbeddingOptions, embeddingLookup, type PartitionStrategy } from './nn/embedding.ts';
export { embeddingLookupSparse, type SparseEmbeddingOptions, type SparseEntries } from './nn/embeddingSparse.ts';
export * from './nn/losses.ts';
export * from './nn/moments.ts';
export { logSoftmax, type SoftmaxOptions, softmax } from './nn/softmax.ts';
export { type FusedBatchNormOptions, fusedBatchNorm } from './ops/batchNorm.ts';
export {
  conv2d,
  conv2dBackpropFilter,
  conv2dBackpropInput,
  conv2dTranspose,
  depthwiseConv2dNative,
} from './ops/conv.ts';
export { sigmoid, tanh } from './ops/math.ts';
export { logSigmoid } from './ops/mathUnary.ts';
export { elu, leakyRelu, relu, relu6, selu, softplus, softsign } from './ops/nn.ts';
export { biasAdd, l2Loss, localResponseNormalization, localResponseNormalization as lrn } from './ops/nnNorm.ts';
export { avgPool, avgPool as avgPool2d, maxPool, maxPool as maxPool2d } from './ops/pool.ts';
export { inTopK, topK } from './ops/topK.ts';
