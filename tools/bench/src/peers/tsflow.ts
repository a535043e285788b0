/**
 * @file tsflow itself as a measured peer: under this Node, or under another binary (`--node`), named `tsflow-node26`.
 */
import { nodeProgram, run } from '../process.ts';
import type { Peer } from './peer.ts';

const program = new URL('../tsflow/program.ts', import.meta.url);

/** tsflow under the Node binary at `node`. */
export const tsflowPeer = (name: string, node: string): Peer => ({
  name,
  fits: () => 'yes',
  prepare: async () => {},
  command: (c) => ({ program: node, args: [...nodeProgram(program), name, c.name], env: {} }),
});

/** The peer for `--node PATH`. Throws where that is no Node. */
export async function tsflowUnder(node: string): Promise<Peer> {
  let version = '';
  const onLine = (line: string) => {
    version ||= line;
  };
  const { error } = await run({ program: node, args: ['--version'], env: {} }, { seconds: 20, onLine });
  const major = /^v(\d+)\./.exec(version)?.[1];
  if (!major)
    throw new Error(`--node ${node}: ${error ?? `answers --version with "${version}"`}. Expected a Node binary.`);
  return tsflowPeer(`tsflow-node${major}`, node);
}
