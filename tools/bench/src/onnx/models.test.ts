import { expect, test } from 'vitest';
import { caseNamed, cases } from '../cases.ts';
import { isTraining } from '../peers/peer.ts';
import { writeOnnx } from './model.ts';
import { onnxModel } from './models.ts';

test('writes a matrix product field by field as onnx.proto numbers them', () => {
  const bytes = Buffer.from(writeOnnx(onnxModel(caseNamed('gemm-256')))).toString('hex');
  const text = (s: string) => Buffer.from(s).toString('hex');
  const node = `0a02${text('x0')}0a02${text('x1')}1202${text('y0')}2206${text('MatMul')}`;
  expect(bytes.startsWith(`0808120c${text('tsflow-bench')}`)).toBe(true);
  expect(bytes).toContain(`0a14${node}`);
  // x0: name, tensor type { elem_type: float, shape { dim { 256 }, dim { 256 } } }
  expect(bytes).toContain(`5a16${`0a02${text('x0')}`}12100a0e0801120a0a030880020a03088002`);
  expect(bytes.endsWith('42040a001011')).toBe(true); // operator set 17 of the default domain
});

test('has a model for every case but training', () => {
  for (const c of cases) {
    if (isTraining(c)) expect(() => onnxModel(c)).toThrow('inference only');
    else expect(onnxModel(c).nodes.length).toBeGreaterThan(0);
  }
});

test('names every operand before it is used', () => {
  for (const c of cases.filter((c) => !isTraining(c))) {
    const { inputs, initializers, nodes, outputs } = onnxModel(c);
    const known = new Set([...inputs, ...initializers].map(({ name }) => name));
    for (const node of nodes) {
      expect(node.inputs.filter((name) => !known.has(name))).toEqual([]);
      for (const name of node.outputs) known.add(name);
    }
    expect(outputs.filter(({ name }) => !known.has(name))).toEqual([]);
  }
});

test('refuses a tensor whose values do not fill its shape', () => {
  const bad = { name: 'w', shape: [2, 3], data: new Float32Array(5) };
  const model = { name: 'm', inputs: [], outputs: [], nodes: [], initializers: [bad] };
  expect(() => writeOnnx(model)).toThrow('ONNX tensor "w" of shape [2,3] has 5 values');
});
