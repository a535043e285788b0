/** @file All peers, and the choice made by `--peers`. */
import { limitsPeer } from './limits.ts';
import { npmPeers } from './npm.ts';
import type { Peer } from './peer.ts';
import { pythonPeers } from './python.ts';

export const peers: readonly Peer[] = [...pythonPeers, ...npmPeers];

/** What `--peers` chose. The machine's limits are measured with any peer: they are what figures are judged by. */
export interface PeerChoice {
  readonly peers: readonly Peer[];
  readonly limits: boolean;
}

/**
 * Reads `--peers`: `all`, `none`, or names with commas between.
 * @throws Error naming the unknown one and those that exist.
 */
export function choosePeers(list: string): PeerChoice {
  const names = list.split(/[\s,]+/).filter((name) => name !== '');
  if (names.length === 1 && names[0] === 'none') return { peers: [], limits: false };
  if (names.length === 0 || (names.length === 1 && names[0] === 'all')) return { peers, limits: true };
  for (const name of names) {
    if (name !== limitsPeer && !peers.some((peer) => peer.name === name)) {
      const known = ['all', 'none', limitsPeer, ...peers.map((peer) => peer.name)];
      throw new Error(`unknown peer "${name}" in --peers ${list}. Peers: ${known.join(', ')}.`);
    }
  }
  return { peers: peers.filter((peer) => names.includes(peer.name)), limits: true };
}
