/**
 * @file Finds import cycles between source files: Tarjan's strongly connected components, then one shortest cycle each.
 *
 * Type-only imports do not count, they are gone when the program runs. Edges inside the folders of `mayCycle` do not
 * count either; a cycle that leaves such a folder does.
 */
import { importsOf, resolveRelative } from './imports.ts';
import type { SourceFile } from './layers.ts';
import { mayCycle } from './rules.ts';

type Graph = ReadonlyMap<string, readonly string[]>;

function importGraph(files: readonly SourceFile[], exempt: readonly string[]): Graph {
  const known = new Set(files.map((file) => file.path));
  const exemptEdge = (from: string, to: string) =>
    exempt.some((folder) => from.startsWith(folder) && to.startsWith(folder));
  const targets = (file: SourceFile) =>
    importsOf(file.text)
      .filter((found) => !found.typeOnly && found.specifier.startsWith('.'))
      .map((found) => resolveRelative(file.path, found.specifier))
      .filter((target) => known.has(target) && !exemptEdge(file.path, target));
  return new Map(files.map((file) => [file.path, targets(file)]));
}

/** Strongly connected components with more than one node. */
function components(graph: Graph): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (node: string): void => {
    const own = index.size;
    index.set(node, own);
    low.set(node, own);
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node) ?? own, low.get(next) ?? own));
    }
    if (low.get(node) === own) {
      const component = stack.splice(stack.indexOf(node));
      if (component.length > 1) found.push(component);
    }
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  return found;
}

/** A shortest cycle through `start`, by breadth-first search within its component. */
function shortestCycle(graph: Graph, start: string, within: ReadonlySet<string>): string[] {
  const from = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) {
        const path = [start];
        for (let at = node; at !== start; at = from.get(at) ?? start) path.unshift(at);
        return [start, ...path];
      }
      if (within.has(next) && !from.has(next)) {
        from.set(next, node);
        queue.push(next);
      }
    }
  }
  return [start];
}

/** One line per group of files that import each other in a circle: `import cycle: a → b → a`. */
export function checkCycles(files: readonly SourceFile[], exempt: readonly string[] = mayCycle): string[] {
  const graph = importGraph(files, exempt);
  return components(graph).map((component) => {
    const within = new Set(component);
    const cycles = component.map((node) => shortestCycle(graph, node, within));
    const shortest = cycles.reduce((best, cycle) => (cycle.length < best.length ? cycle : best));
    const others = component.length - (shortest.length - 1);
    return `import cycle: ${shortest.join(' → ')}${others > 0 ? ` (${others} more files in the knot)` : ''}`;
  });
}
