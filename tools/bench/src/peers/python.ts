/**
 * @file Peers in Python: PyTorch, TensorFlow and JAX where the interpreter ($PYTHON, else python3) has them.
 */
import { fileURLToPath } from 'node:url';
import type { Case } from '../cases.ts';
import { run } from '../process.ts';
import { type Command, type Fit, isConvolutional, isSessionRun, type Peer, type Workshop } from './peer.ts';

interface PythonPeer {
  readonly name: string;
  readonly module: string;
  readonly program: string;
  readonly fits?: (c: Case) => boolean;
}

const programs = fileURLToPath(new URL('../../python/', import.meta.url));
const withoutSession = (c: Case) => !isSessionRun(c);

const records: readonly PythonPeer[] = [
  { name: 'torch', module: 'torch', program: 'torch_peer.py', fits: withoutSession },
  { name: 'torch-nhwc', module: 'torch', program: 'torch_peer.py', fits: isConvolutional },
  { name: 'tensorflow', module: 'tensorflow', program: 'tensorflow_peer.py' },
  { name: 'tensorflow-onednn', module: 'tensorflow', program: 'tensorflow_peer.py' },
  { name: 'jax', module: 'jax', program: 'jax_peer.py', fits: withoutSession },
];

function pythonPeer({ name, module, program, fits = () => true }: PythonPeer): Peer {
  return {
    name,
    fits: (c): Fit => (fits(c) ? 'yes' : 'no'),
    async prepare({ python }: Workshop) {
      const script = `import importlib.util, sys; sys.exit(importlib.util.find_spec("${module}") is None)`;
      const { status, error } = await run({ program: python, args: ['-c', script], env: {} }, { seconds: 60 });
      if (error) throw new Error(`no Python: ${python} ${error}. Set PYTHON to an interpreter that has ${module}.`);
      if (status !== 0) throw new Error(`${python} has no module ${module}. Set PYTHON to an interpreter that has it.`);
    },
    command: (c, { python }): Command => ({
      program: python,
      args: [`${programs}${program}`, name, JSON.stringify(c)],
      env: { PYTHONDONTWRITEBYTECODE: '1' },
    }),
  };
}

export const pythonPeers: readonly Peer[] = records.map(pythonPeer);
