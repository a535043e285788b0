/** @file Seeds of random ops, derived from the graph seed and the op seed by TensorFlow 1.x's rules. */
import { getDefaultGraph } from './graph.ts';

const defaultGraphSeed = 87654321;

/** Sets the graph seed: every random op made afterwards in the default graph gets its own repeatable stream. */
export function setRandomSeed(seed: number | null): void {
  getDefaultGraph().seed = seed;
}

/** (seed, seed2) attributes of a random op; (0, 0) means "different on every session". */
export function getSeed(opSeed?: number | null): readonly [number, number] {
  const graph = getDefaultGraph();
  const op = opSeed ?? null;
  if (graph.seed === null && op === null) return [0, 0];
  const pair: readonly [number, number] =
    graph.seed === null ? [defaultGraphSeed, op as number] : [graph.seed, op ?? graph.lastId];
  return pair[0] === 0 && pair[1] === 0 ? [0, 2 ** 31 - 1] : pair;
}
