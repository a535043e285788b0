/** @file Embedding lookup: rows of one table, or of a table cut into partitions. Gradients reach the tables as IndexedSlices. */
import { clipByNorm } from '../clip.ts';
import { InvalidArgumentError } from '../errors.ts';
import { nameScope } from '../graph/graph.ts';
import type { Tensor, TensorLike } from '../graph/tensor.ts';
import { convertToTensor } from '../op/call.ts';
import { constantTensor } from '../op/constant.ts';
import { constantValue } from '../op/constantValue.ts';
import { cast, reshape, shapeLike, zerosLike } from '../ops/array.ts';
import { gather } from '../ops/arrayIndex.ts';
import { concat } from '../ops/arrayJoin.ts';
import { expandDims } from '../ops/arrayShape.ts';
import { equal, less } from '../ops/compare.ts';
import { addN, subtract } from '../ops/math.ts';
import { floorDiv, floorMod, maximum } from '../ops/mathBinary.ts';
import { where } from '../ops/select.ts';
import { formatShape } from '../shape.ts';

export type PartitionStrategy = 'mod' | 'div';

export interface EmbeddingOptions {
  /**
   * How ids are spread over several tables: 'mod' (default) puts id i into table i mod n, 'div' gives each table a run of
   * consecutive ids.
   */
  readonly partitionStrategy?: PartitionStrategy;
  /** Rows longer than this (L2) are scaled down to it. */
  readonly maxNorm?: number;
  readonly name?: string;
}

/** Which table an id is in, and its row there. */
interface Place {
  readonly table: number;
  readonly row: number;
}

function placeOf(id: number, rows: readonly number[], strategy: PartitionStrategy): Place {
  const n = rows.length;
  if (strategy === 'mod') return { table: id % n, row: Math.floor(id / n) };
  const total = rows.reduce((s, r) => s + r, 0);
  const each = Math.floor(total / n);
  const extras = total % n;
  const table = Math.max(Math.floor(id / (each + 1)), Math.floor((id - extras) / Math.max(each, 1)));
  return { table, row: table < extras ? id % (each + 1) : (id - extras) % each };
}

/** The same in the graph. */
function placesOf(ids: Tensor, rows: readonly number[], strategy: PartitionStrategy): { table: Tensor; row: Tensor } {
  const n = rows.length;
  if (strategy === 'mod') return { table: floorMod(ids, n), row: floorDiv(ids, n) };
  const total = rows.reduce((s, r) => s + r, 0);
  const each = Math.floor(total / n);
  const extras = total % n;
  const table = maximum(floorDiv(ids, each + 1), floorDiv(subtract(ids, extras), Math.max(each, 1)));
  const later = floorMod(subtract(ids, extras), Math.max(each, 1));
  return { table, row: where(less(table, extras), floorMod(ids, each + 1), later) };
}

function rowsOf(tables: readonly Tensor[]): number[] {
  return tables.map((t) => {
    const rows = t.shape?.[0];
    if (typeof rows === 'number') return rows;
    throw new InvalidArgumentError(
      `embeddingLookup over partitions needs known row counts, but "${t.name}" has shape ${formatShape(t.shape)}.`,
    );
  });
}

/** Ids known while the graph is built: each table is read once, for its own ids. */
function lookUpKnown(tables: readonly Tensor[], ids: readonly number[], places: readonly Place[]): Tensor {
  const order: number[] = [];
  const parts = tables.flatMap((t, k) => {
    const own = ids.map((_, i) => i).filter((i) => places[i]?.table === k);
    order.push(...own);
    return own.length === 0
      ? []
      : [
          gather(
            t,
            own.map((i) => (places[i] as Place).row),
          ),
        ];
  });
  const back = new Array<number>(order.length);
  for (const [i, position] of order.entries()) back[position] = i;
  return gather(concat(parts, 0), back);
}

/**
 * Computed ids: every table is read for all of them, and each row taken from its own. Elsewhere the index is one past the table: such
 * reads are not used and such writes are skipped, so gradients touch the rows of the ids only.
 */
function lookUpComputed(
  tables: readonly Tensor[],
  places: { readonly table: Tensor; readonly row: Tensor },
  rows: readonly number[],
): Tensor {
  return addN(
    tables.map((t, k) => {
      const mine = equal(places.table, k);
      const outside = subtract(rows[k] as number, zerosLike(places.row));
      const read = gather(t, where(mine, places.row, outside));
      return where(columns(mine, (t.shape?.length ?? 2) - 1), read, zerosLike(read));
    }),
  );
}

/** `flags` [n] as [n, 1, …] */
function columns(flags: Tensor, extra: number): Tensor {
  let x = flags;
  for (let i = 0; i < extra; i++) x = expandDims(x, -1);
  return x;
}

/**
 * Rows `ids` (any shape, int32 or int64) of `params` [rows, …row], or of the table that a list of partitions makes up: [ids shape…, row
 * shape…]. TF `nn.embedding_lookup`.
 */
export function embeddingLookup(
  params: TensorLike | readonly TensorLike[],
  ids: TensorLike,
  options: EmbeddingOptions = {},
): Tensor {
  return nameScope(options.name ?? 'embedding_lookup', () => {
    const tables = isList(params) ? params : [params];
    const index = convertToTensor(ids, Array.isArray(ids) || typeof ids === 'number' ? { dtype: 'int32' } : {});
    const found = tables.length === 1 ? gather(tables[0] as TensorLike, index) : lookUpParts(tables, index, options);
    if (options.maxNorm === undefined) return found;
    const first = index.shape?.length;
    const rank = found.shape?.length;
    if (first === undefined || rank === undefined) {
      throw new InvalidArgumentError('embeddingLookup with maxNorm needs ids and params of known rank.');
    }
    const axes = Array.from({ length: rank - first }, (_, i) => first + i);
    return clipByNorm(found, options.maxNorm, { axes });
  });
}

/** A list of partitions: of tensors or variables. A nested list of numbers is one table. */
function isList(params: TensorLike | readonly TensorLike[]): params is readonly TensorLike[] {
  return Array.isArray(params) && params.every((p) => typeof p === 'object' && !Array.isArray(p));
}

function lookUpParts(params: readonly TensorLike[], ids: Tensor, options: EmbeddingOptions): Tensor {
  const tables = params.map((p) => convertToTensor(p));
  const rows = rowsOf(tables);
  const strategy = options.partitionStrategy ?? 'mod';
  const flat = reshape(ids, [-1]);
  const known = constantValue(ids)?.toNumbers();
  const found =
    known === undefined || known.length === 0
      ? lookUpComputed(tables, placesOf(flat, rows, strategy), rows)
      : lookUpKnown(
          tables,
          known,
          known.map((id) => checkedPlace(id, rows, strategy)),
        );
  if (ids.shape?.length === 1) return found;
  const row = (tables[0] as Tensor).shape?.slice(1) ?? [];
  const rowDims = constantTensor([...row] as number[], 'int32', 'row', [row.length]);
  return reshape(found, concat([cast(shapeLike(ids), 'int32'), rowDims], 0));
}

function checkedPlace(id: number, rows: readonly number[], strategy: PartitionStrategy): Place {
  const place = placeOf(id, rows, strategy);
  if (id >= 0 && place.row < (rows[place.table] ?? 0)) return place;
  throw new InvalidArgumentError(
    `embeddingLookup: id ${id} is outside the ${rows.reduce((s, r) => s + r, 0)} rows of ${rows.length} partitions (${strategy}).`,
  );
}
