/** @file Activations and small layers made of other ops. */
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { cast, zerosLike } from '../ops/array.ts';
import { concat } from '../ops/arrayJoin.ts';
import { size } from '../ops/arrayShape.ts';
import { notEqual } from '../ops/compare.ts';
import { divide, multiply, negative, sigmoid, subtract } from '../ops/math.ts';
import { matMul } from '../ops/matmul.ts';
import { relu } from '../ops/nn.ts';
import { biasAdd } from '../ops/nnNorm.ts';
import { reduceSum } from '../ops/reduce.ts';
import { scoped } from './softmax.ts';

/** [relu(x), relu(−x)] joined along `axis` (default −1). Shang et al. 2016. TF `nn.crelu`. */
export function crelu(features: TensorLike, options: { axis?: number; name?: string } = {}): Tensor {
  return scoped(options.name, 'CRelu', (scope) => {
    const x = convertToTensor(features, { name: 'features' });
    return relu(concat([x, negative(x)], options.axis ?? -1), scope);
  });
}

/** x·σ(beta·x); beta 1 by default. TF `nn.swish`, `nn.silu`. */
export function swish(features: TensorLike, options: { beta?: TensorLike; name?: string } = {}): Tensor {
  return scoped(options.name, 'swish', () => {
    const x = convertToTensor(features, { name: 'features' });
    return multiply(x, sigmoid(options.beta === undefined ? x : multiply(x, options.beta)));
  });
}

/** x · weights + biases. `x` [batch, in], `weights` [in, out], `biases` [out]. TF `nn.xw_plus_b`. */
export function xwPlusB(x: TensorLike, weights: TensorLike, options: { biases: TensorLike; name?: string }): Tensor {
  return scoped(options.name, 'xw_plus_b', (scope) => biasAdd(matMul(x, weights), options.biases, { name: scope }));
}

/** relu(x · weights + biases). TF `nn.relu_layer`. */
export function reluLayer(x: TensorLike, weights: TensorLike, options: { biases: TensorLike; name?: string }): Tensor {
  return scoped(options.name, 'relu_layer', (scope) => relu(biasAdd(matMul(x, weights), options.biases), scope));
}

/** Share of elements that are 0, as a float32 scalar. TF `nn.zero_fraction`. */
export function zeroFraction(value: TensorLike, name?: string): Tensor {
  return scoped(name, 'zero_fraction', () => {
    const x = convertToTensor(value, { name: 'value' });
    const others = cast(reduceSum(cast(notEqual(x, zerosLike(x)), 'int32')), 'float32');
    return subtract(1, divide(others, cast(size(x), 'float32')), 'fraction');
  });
}
