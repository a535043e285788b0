import { expect, test } from 'vitest';
import { benchCommand, type Options, parseThreads } from './options.ts';
import { choosePeers } from './peers/index.ts';

const parse = (args: string[], environment: NodeJS.ProcessEnv = {}) => {
  const command = benchCommand(environment)
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  return command.parse(args, { from: 'user' }).opts<Options>();
};

test('reads thread counts with commas or blanks', () => {
  expect(parseThreads('1,2')).toEqual([1, 2]);
  expect(parseThreads('2 4 2')).toEqual([2, 4]);
  for (const text of ['', '0', '1.5', 'x', '1,-1'])
    expect(() => parseThreads(text)).toThrow('not a list of thread counts');
});

test('takes threads from the environment unless the command line says otherwise', () => {
  expect(parse(['gemm'], {}).threads).toEqual([1, 2]);
  expect(parse(['gemm'], { THREADS: '4' }).threads).toEqual([4]);
  expect(parse(['gemm', '--threads', '1'], { THREADS: '4' }).threads).toEqual([1]);
});

test('collects repeated options', () => {
  expect(parse(['gemm', '--node', 'a', '--node', 'b', '--json'])).toMatchObject({ node: ['a', 'b'], json: true });
});

test('refuses bad seconds and unknown options', () => {
  expect(() => parse(['gemm', '--limit', '0'])).toThrow('not a number of seconds');
  expect(() => parse(['gemm', '--nope'])).toThrow("unknown option '--nope'");
});

test('chooses peers by name', () => {
  expect(choosePeers('none')).toEqual({ peers: [], limits: false });
  expect(choosePeers('tfjs-wasm, torch').peers.map(({ name }) => name)).toEqual(['torch', 'tfjs-wasm']);
  expect(choosePeers('all').limits).toBe(true);
  expect(() => choosePeers('pytorch')).toThrow('unknown peer "pytorch"');
});
