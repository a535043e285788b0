/** @file The coverage page, docs/ops.md: a query on the registry. `pnpm --filter @tsflow/core docs` writes it; a test keeps it in step. */
import type { DType } from '../dtype.ts';
import type { AttrDef } from '../op/attr.ts';
import type { OpRecord } from '../op/record.ts';
import type { Arg } from '../op/signature.ts';
import { families, recordsOf } from './index.ts';

/** The whole page as Markdown. */
export function opsPage(): string {
  const groups = Object.entries(families).map(([name, family]) => ({ name, records: byType(recordsOf(family)) }));
  const all = groups.flatMap((g) => g.records);
  const differentiable = all.filter((r) => r.grad !== null).length;
  const compiled = all.filter((r) => r.lower !== undefined).length;
  return [
    '# Ops',
    '',
    `${all.length} TensorFlow ops: ${differentiable} with gradient, ${compiled} compiled (they run on every backend), ${all.length - compiled} on the host.`,
    'This page is generated from the op registry (`pnpm --filter @tsflow/core docs`).',
    '',
    'Types: `T` and other letters are type attributes, `N *` a list of N tensors, `&` a variable by reference.',
    ...groups.filter((g) => g.records.length > 0).flatMap(section),
    '',
  ].join('\n');
}

function byType(records: readonly OpRecord[]): OpRecord[] {
  return [...records].sort((a, b) => (a.type < b.type ? -1 : 1));
}

function section({ name, records }: { name: string; records: readonly OpRecord[] }): string[] {
  return [
    '',
    `## ${name}`,
    '',
    '| op | inputs → outputs | types | gradient | runs |',
    '| --- | --- | --- | --- | --- |',
    ...records.map(row),
  ];
}

function row(r: OpRecord): string {
  const signature = `${r.inputs.map(argText).join(', ')} → ${r.outputs.map(argText).join(', ')}`.trim();
  const gradient = r.grad === null ? '–' : 'yes';
  return `| ${r.type} | ${signature} | ${typesText(r)} | ${gradient} | ${r.lower === undefined ? 'host' : 'compiled'} |`;
}

function argText(a: Arg): string {
  const type = a.dtype ?? a.typeAttr ?? '';
  const listed = a.typeList ? `list(${type})` : a.numberAttr === undefined ? type : `${a.numberAttr} * ${type}`;
  return `${a.name}: ${listed}${a.isRef ? '&' : ''}`;
}

function typesText(r: OpRecord): string {
  return Object.entries(r.attrs)
    .filter(([, def]) => def.kind === 'type' || def.kind === 'types')
    .map(([name, def]) => `${name} ∈ ${dtypesText(def)}`)
    .join('; ');
}

const shortNames: readonly (readonly [readonly DType[], string])[] = [
  [['float16', 'bfloat16', 'float32', 'float64'], 'floats'],
  [['int8', 'int16', 'int32', 'int64'], 'ints'],
  [['uint8', 'uint16', 'uint32', 'uint64'], 'uints'],
];

function dtypesText({ dtypes }: AttrDef): string {
  if (dtypes === undefined) return 'any';
  const left = new Set(dtypes);
  const named = shortNames
    .filter(([group]) => group.every((d) => left.has(d)))
    .map(([group, name]) => {
      for (const d of group) left.delete(d);
      return name;
    });
  return [...named, ...left].join(' ');
}
