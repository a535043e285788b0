import { expect, test } from 'vitest';
import { postOrder } from '../hlo/graph.ts';
import type { Module } from '../hlo/module.ts';
import { shapeText } from '../hlo/shape.ts';
import { verifyModule } from '../hlo/verify.ts';
import { mnistStep } from './mnistStep.ts';
import { checkSameMeaning } from './passTest.ts';
import { pipeline } from './pipeline.ts';
import { runPipeline } from './runner.ts';

/** The kernels of a module, one a line: what they are and what they make. */
function kernels(module: Module): string {
  const free = ['parameter', 'constant', 'tuple', 'get-tuple-element', 'reshape'];
  return postOrder(module.entry)
    .filter((x) => !free.includes(x.opcode))
    .map((x) => {
      const inside = x.opcode === 'fusion' ? postOrder(x.attrs.computation) : [x];
      const ops = inside
        .filter((y) => !['parameter', 'constant', 'broadcast', 'tuple'].includes(y.opcode))
        .map((y) => y.opcode);
      return `${x.opcode === 'fusion' ? x.attrs.kind : x.opcode} ${shapeText(x.shape)}: ${ops.join(' ')}`;
    })
    .join('\n');
}

test('makes few kernels of the MNIST training step', () => {
  const module = mnistStep({ batch: 100 });
  const result = runPipeline(module, pipeline, { verify: verifyModule });
  expect(kernels(result.module)).toMatchInlineSnapshot(`
    "convolution f32[100,28,28,32]: convolution add maximum
    reduce-window f32[100,14,14,32]: reduce-window
    convolution f32[100,14,14,64]: convolution add maximum
    reduce-window f32[100,7,7,64]: reduce-window
    dot f32[100,1024]: dot add maximum
    dot f32[100,10]: dot add
    reduce f32[100]: reduce
    loop (f32[100,10], f32[100,10]): subtract exp
    reduce f32[100]: reduce
    reduce f32[100]: log subtract multiply reduce
    reduce f32[]: negate reduce divide
    loop f32[100,10]: divide subtract divide
    dot f32[100,1024]: dot compare select
    dot f32[100,3136]: dot
    window f32[100,14,14,64]: select-and-scatter compare select
    convolution f32[100,14,14,32]: convolution
    window f32[100,28,28,32]: select-and-scatter compare select
    convolution f32[5,5,1,32]: convolution
    reduce f32[32]: reduce
    convolution f32[5,5,32,64]: convolution
    reduce f32[64]: reduce
    dot f32[3136,1024]: dot
    reduce f32[1024]: reduce
    dot f32[1024,10]: dot
    reduce f32[10]: reduce
    loop (f32[], f32[], f32[]): subtract sqrt multiply subtract divide multiply multiply
    loop (f32[5,5,1,32], f32[5,5,1,32], f32[5,5,1,32]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[32], f32[32], f32[32]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[5,5,32,64], f32[5,5,32,64], f32[5,5,32,64]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[64], f32[64], f32[64]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[3136,1024], f32[3136,1024], f32[3136,1024]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[1024], f32[1024], f32[1024]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[1024,10], f32[1024,10], f32[1024,10]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract
    loop (f32[10], f32[10], f32[10]): subtract multiply add multiply subtract multiply add multiply sqrt add divide subtract"
  `);
});

test('keeps the meaning of the MNIST training step', () => {
  const module = mnistStep({ batch: 3, size: 8, features: [2, 3, 5] });
  const result = runPipeline(module, pipeline, { verify: verifyModule });
  checkSameMeaning(module, result.module);
});
