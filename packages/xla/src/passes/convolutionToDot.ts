/**
 * @file Convolutions that are matrix products: in every spatial dimension the window is one element (1×1 convolutions), or it is as
 * large as the input and there is one output (their filter gradients, dense layers on feature maps). No groups, padding or dilation.
 */
import type { HloBuilder } from '../hlo/builder.ts';
import type { Value } from '../hlo/builderApi.ts';
import { dimsOf } from '../hlo/graph.ts';
import type { Instruction } from '../hlo/module.ts';
import type { WindowDim } from '../hlo/opcodes.ts';
import { isIdentityPermutation } from './match.ts';
import { rulesPass } from './rules.ts';
import type { Pass } from './runner.ts';

/** Whether a spatial dim stays (window of one) or is summed (window over everything). */
function roleOf(w: WindowDim, size: number): 'stays' | 'summed' | undefined {
  const plain = w.padLow === 0 && w.padHigh === 0 && w.baseDilation === 1 && !w.reversal;
  if (!plain) return undefined;
  if (w.size === 1 && w.stride === 1) return 'stays';
  return w.size === size && w.windowDilation === 1 ? 'summed' : undefined;
}

function toDot(x: Instruction<'convolution'>, b: HloBuilder): Value | undefined {
  const { window, dimensionNumbers: n, featureGroupCount, batchGroupCount } = x.attrs;
  if (featureGroupCount !== 1 || batchGroupCount !== 1) return undefined;
  const [lhs, rhs] = x.operands as readonly [Value, Value];
  const size = dimsOf(lhs);
  const roles = window.map((w, i) => roleOf(w, size[n.inputSpatial[i] as number] as number));
  if (roles.some((r) => r === undefined)) return undefined;
  const spatial = window.map((_, i) => i);
  const staying = spatial.filter((i) => roles[i] === 'stays');
  const summed = spatial.filter((i) => roles[i] === 'summed');
  // Window dims of one element that stay are dropped from the kernel.
  const kernelDims = dimsOf(rhs);
  const dropped = new Set(staying.map((i) => n.kernelSpatial[i] as number));
  const kept = kernelDims.flatMap((_, i) => (dropped.has(i) ? [] : [i]));
  const kernel = b.reshape(
    rhs,
    kept.map((i) => kernelDims[i] as number),
  );
  const product = b.dot(lhs, kernel, {
    lhsBatch: [],
    rhsBatch: [],
    lhsContracting: [n.inputFeature, ...summed.map((i) => n.inputSpatial[i] as number)],
    rhsContracting: [
      kept.indexOf(n.kernelInputFeature),
      ...summed.map((i) => kept.indexOf(n.kernelSpatial[i] as number)),
    ],
  });
  // The dot's dims: those of lhs that stay, ascending, then the output feature; then dims of one output come in between.
  const lhsFree = [n.inputBatch, ...staying.map((i) => n.inputSpatial[i] as number)].sort((p, q) => p - q);
  const placeOf = new Map<number, number>([[n.inputBatch, n.outputBatch]]);
  for (const i of staying) placeOf.set(n.inputSpatial[i] as number, n.outputSpatial[i] as number);
  const places = [...lhsFree.map((d) => placeOf.get(d) as number), n.outputFeature];
  const order = [...places].sort((p, q) => p - q).map((p) => places.indexOf(p));
  const turned = isIdentityPermutation(order) ? product : b.transpose(product, order);
  return b.reshape(turned, dimsOf(x));
}

export const convolutionToDot: Pass = rulesPass('convolution-to-dot', { convolution: [toDot] });
