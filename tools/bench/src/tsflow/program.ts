/**
 * @file Measures a case with tsflow: PEER CASE, see `worker.ts`. The graph is built with the public API and run by a
 * session's callable, as a user would.
 */
import type { Case, Spec } from '../cases.ts';
import { type Prepared, runWorker } from '../worker.ts';
import { conv, elementwise, gemm } from './kernels.ts';
import { logisticTrain, mlpTrain, mnistInfer, mnistTrain } from './models.ts';
import { prepareStep, type Step } from './step.ts';

function stepOf(spec: Spec): Step {
  switch (spec.kind) {
    case 'gemm':
      return gemm(spec);
    case 'mnist-train':
      return mnistTrain(spec);
    case 'mnist-infer':
      return mnistInfer(spec);
    case 'mlp-train':
      return mlpTrain(spec);
    case 'logistic-train':
      return logisticTrain(spec);
    case 'elementwise':
      return elementwise(spec);
    case 'conv':
      return conv(spec);
    default:
      return spec satisfies never;
  }
}

const prepare = ({ spec }: Case, threads: number): Promise<Prepared> => prepareStep(stepOf(spec), threads);

await runWorker(prepare);
