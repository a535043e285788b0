/** @file Measures a case with ONNX Runtime's native Node binding: PEER CASE, see `worker.ts`. */
import type { Case } from '../cases.ts';
import { writeOnnx } from '../onnx/model.ts';
import { onnxModel } from '../onnx/models.ts';
import { sizeOf, uniform } from '../random.ts';
import { type Prepared, runWorker } from '../worker.ts';
import { requirePeers } from './requirePeer.ts';

interface OrtTensor {
  dispose?(): void;
}

interface OrtSession {
  run(feeds: Readonly<Record<string, OrtTensor>>): Promise<Readonly<Record<string, OrtTensor>>>;
}

interface SessionOptions {
  readonly executionProviders: readonly string[];
  readonly graphOptimizationLevel: 'all';
  readonly intraOpNumThreads: number;
  readonly interOpNumThreads: number;
  readonly logSeverityLevel: number;
}

/** The part of onnxruntime-node that is used here. */
interface Ort {
  readonly InferenceSession: { create(model: Uint8Array, options: SessionOptions): Promise<OrtSession> };
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OrtTensor;
}

async function prepare(c: Case, threads: number): Promise<Prepared> {
  const ort: Ort = requirePeers()('onnxruntime-node');
  const model = onnxModel(c);
  const session = await ort.InferenceSession.create(writeOnnx(model), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  const feeds: Record<string, OrtTensor> = {};
  model.inputs.forEach(({ name, shape }, i) => {
    feeds[name] = new ort.Tensor('float32', uniform(sizeOf(shape), 1, i + 1), shape);
  });
  const call = async () => {
    for (const output of Object.values(await session.run(feeds))) output.dispose?.();
  };
  return { call };
}

await runWorker(prepare);
