import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  AttrValue,
  DataType,
  Event,
  GraphDef,
  type IGraphDef,
  type IMetaGraphDef,
  MetaGraphDef,
  NodeDef,
  SavedModel,
  ScalarPluginData,
  Summary,
  TensorProto,
  tensorboard,
} from './index.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('the committed code is what the .proto files give', () => {
  const script = fileURLToPath(new URL('../scripts/generate.mjs', import.meta.url));
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});

test('writes what TensorFlow writes', () => {
  // Event{wall_time: 1.5, file_version: "brain.Event:2"}
  const version = Event.encode({ wallTime: 1.5, fileVersion: 'brain.Event:2' }).finish();
  expect(hex(version)).toBe('09000000000000f83f1a0d627261696e2e4576656e743a32');
  // Summary{value{tag: "a", simple_value: 0.5}}: a oneof's value is written even when it is zero.
  expect(hex(Summary.encode({ value: [{ tag: 'a', simpleValue: 0.5 }] }).finish())).toBe('0a080a0161150000003f');
  expect(hex(Summary.encode({ value: [{ tag: 'a', simpleValue: 0 }] }).finish())).toBe('0a080a01611500000000');
  // Defaults outside a oneof are left out.
  expect(hex(NodeDef.encode({ name: 'x', op: '', device: '' }).finish())).toBe('0a0178');
  expect(hex(ScalarPluginData.encode({ version: 0 }).finish())).toBe('');
  expect(hex(tensorboard.AudioPluginData.encode({ encoding: 11 }).finish())).toBe('100b');
});

test('packs numbers, and reads them unpacked too', () => {
  const packed = TensorProto.encode({ dtype: DataType.DT_FLOAT, floatVal: [1, 2] }).finish();
  expect(hex(packed)).toBe('08012a080000803f00000040');
  const unpacked = Buffer.from('08012d0000803f2d00000040', 'hex');
  expect(TensorProto.decode(unpacked).floatVal).toEqual([1, 2]);
});

test('keeps fields that it does not know', () => {
  const bytes = Buffer.from(`${hex(NodeDef.encode({ name: 'x' }).finish())}a206027979`, 'hex'); // field 100: "yy"
  const node = NodeDef.decode(bytes);
  expect(node.name).toBe('x');
  expect(hex(NodeDef.encode(node).finish())).toBe(hex(bytes));
});

test('tells which kind of value an attribute holds', () => {
  const kinds = [{ i: 0 }, { b: false }, { f: 0 }, { s: new Uint8Array(0) }, { type: 0 }, { list: {} }, {}];
  const back = kinds.map((attr) => AttrValue.decode(AttrValue.encode(attr).finish()).value);
  expect(back).toEqual(['i', 'b', 'f', 's', 'type', 'list', undefined]);
});

test('refuses bytes that are cut off', () => {
  const bytes = NodeDef.encode({ name: 'a node', op: 'NoOp' }).finish();
  expect(() => NodeDef.decode(bytes.subarray(0, -1))).toThrow(RangeError);
});

const artefacts = new URL('../../../../shared/data/tf-artefacts/', import.meta.url);

describe.skipIf(!existsSync(artefacts))('files of real TensorFlow (skipped where they are absent)', () => {
  interface Expected {
    readonly kind: 'GraphDef' | 'MetaGraphDef' | 'SavedModel';
    readonly nodes: number;
    readonly producer: number;
    readonly functions: number;
    readonly ops: Readonly<Record<string, number>>;
    readonly collections?: readonly string[] | Readonly<Record<string, number>>;
    readonly signatures?: object;
    readonly tensorflow_version?: string;
  }
  const load = (path: string): { files: Record<string, Expected> } =>
    JSON.parse(readFileSync(new URL(path, artefacts), 'utf8'));
  const all = existsSync(artefacts) ? load('expected/graphs/graphs.json').files : {};
  const binary = Object.entries(all).filter(([path]) => !path.endsWith('.pbtxt'));

  const countOps = (graph: IGraphDef) => {
    const ops: Record<string, number> = {};
    for (const node of graph.node ?? []) ops[node.op ?? ''] = (ops[node.op ?? ''] ?? 0) + 1;
    return ops;
  };
  const factsOfGraph = (graph: IGraphDef) => ({
    nodes: graph.node?.length ?? 0,
    producer: graph.versions?.producer ?? 0,
    functions: graph.library?.function?.length ?? 0,
    ops: countOps(graph),
  });
  const factsOfMeta = (meta: IMetaGraphDef) => ({
    ...factsOfGraph(meta.graphDef ?? {}),
    collections: Object.keys(meta.collectionDef ?? {}).sort(),
    tensorflow_version: meta.metaInfoDef?.tensorflowVersion ?? '',
  });
  /** True if any message in the tree kept unknown fields. */
  const hasUnknown = (value: unknown): boolean => {
    if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return false;
    return '$unknowns' in value || Object.values(value).some(hasUnknown);
  };

  test.each(binary)('%s', (path, expected) => {
    const bytes = readFileSync(new URL(path, artefacts));
    const Message = { GraphDef, MetaGraphDef, SavedModel }[expected.kind];
    const message = Message.decode(bytes);
    const facts =
      message instanceof GraphDef
        ? factsOfGraph(message)
        : factsOfMeta(message instanceof SavedModel ? (message.metaGraphs[0] ?? {}) : message);
    const { collections = [] } = expected;
    const names = Array.isArray(collections) ? collections : Object.keys(collections).sort();
    expect({ ...expected, collections: names }).toMatchObject(facts);
    expect(hasUnknown(message)).toBe(false);
    const again = Message.encode(message).finish();
    expect(again.length).toBe(bytes.length);
    expect(Buffer.compare(Message.encode(Message.decode(again)).finish(), again)).toBe(0);
  });
});
