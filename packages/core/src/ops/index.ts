/** @file The list of op families. The registry is built from it: an exported record of a listed family is a registered op. */
import type { OpRecord } from '../op/record.ts';
import * as argReduce from './argReduce.ts';
import * as array from './array.ts';
import * as arrayCount from './arrayCount.ts';
import * as arrayDiag from './arrayDiag.ts';
import * as arrayIndex from './arrayIndex.ts';
import * as arrayJoin from './arrayJoin.ts';
import * as arrayMake from './arrayMake.ts';
import * as arrayPad from './arrayPad.ts';
import * as arraySegment from './arraySegment.ts';
import * as arraySelect from './arraySelect.ts';
import * as arraySet from './arraySet.ts';
import * as arrayShape from './arrayShape.ts';
import * as arraySlice from './arraySlice.ts';
import * as arraySpace from './arraySpace.ts';
import * as arraySparse from './arraySparse.ts';
import * as batchNorm from './batchNorm.ts';
import * as broadcast from './broadcast.ts';
import * as compare from './compare.ts';
import * as conv from './conv.ts';
import * as cumulative from './cumulative.ts';
import * as einsum from './einsum.ts';
import * as math from './math.ts';
import * as mathBinary from './mathBinary.ts';
import * as mathSpecial from './mathSpecial.ts';
import * as mathUnary from './mathUnary.ts';
import * as matmul from './matmul.ts';
import * as nn from './nn.ts';
import * as nnNorm from './nnNorm.ts';
import * as pool from './pool.ts';
import * as random from './random.ts';
import * as reduce from './reduce.ts';
import * as select from './select.ts';
import * as softmax from './softmax.ts';
import * as state from './state.ts';
import * as summary from './summary.ts';
import * as topK from './topK.ts';
import * as training from './training.ts';
import * as trainingSparse from './trainingSparse.ts';

/** Family file → its module. */
export const families = {
  argReduce,
  array,
  arrayCount,
  arrayDiag,
  arrayIndex,
  arrayJoin,
  arrayMake,
  arrayPad,
  arraySegment,
  arraySelect,
  arraySet,
  arrayShape,
  arraySlice,
  arraySpace,
  arraySparse,
  batchNorm,
  broadcast,
  compare,
  conv,
  cumulative,
  einsum,
  math,
  mathBinary,
  mathSpecial,
  mathUnary,
  matmul,
  nn,
  nnNorm,
  pool,
  random,
  reduce,
  select,
  softmax,
  state,
  summary,
  topK,
  training,
  trainingSparse,
} as const;

export function isOpRecord(x: unknown): x is OpRecord {
  return typeof x === 'object' && x !== null && 'type' in x && 'shape' in x && 'grad' in x && 'samples' in x;
}

/** All op records of a family module. */
export function recordsOf(family: Readonly<Record<string, unknown>>): OpRecord[] {
  return Object.values(family).filter(isOpRecord);
}
