/** @file Named collections of a graph under TensorFlow's keys: variables, losses, summaries, update ops … */

/** Standard collection names. */
export const GraphKeys = {
  GLOBAL_VARIABLES: 'variables',
  LOCAL_VARIABLES: 'local_variables',
  METRIC_VARIABLES: 'metric_variables',
  MODEL_VARIABLES: 'model_variables',
  TRAINABLE_VARIABLES: 'trainable_variables',
  SUMMARIES: 'summaries',
  QUEUE_RUNNERS: 'queue_runners',
  TABLE_INITIALIZERS: 'table_initializer',
  ASSET_FILEPATHS: 'asset_filepaths',
  MOVING_AVERAGE_VARIABLES: 'moving_average_variables',
  REGULARIZATION_LOSSES: 'regularization_losses',
  CONCATENATED_VARIABLES: 'concatenated_variables',
  SAVERS: 'savers',
  WEIGHTS: 'weights',
  BIASES: 'biases',
  ACTIVATIONS: 'activations',
  UPDATE_OPS: 'update_ops',
  LOSSES: 'losses',
  SAVEABLE_OBJECTS: 'saveable_objects',
  RESOURCES: 'resources',
  LOCAL_RESOURCES: 'local_resources',
  INIT_OP: 'init_op',
  LOCAL_INIT_OP: 'local_init_op',
  READY_OP: 'ready_op',
  READY_FOR_LOCAL_INIT_OP: 'ready_for_local_init_op',
  SUMMARY_OP: 'summary_op',
  GLOBAL_STEP: 'global_step',
  EVAL_STEP: 'eval_step',
  TRAIN_OP: 'train_op',
  COND_CONTEXT: 'cond_context',
  WHILE_CONTEXT: 'while_context',
} as const;

export class Collections {
  readonly #lists = new Map<string, unknown[]>();

  add(key: string, value: unknown): void {
    const list = this.#lists.get(key);
    if (list === undefined) this.#lists.set(key, [value]);
    else list.push(value);
  }

  /** A copy of the collection; `scope` keeps items whose name starts with that regular expression. */
  get(key: string, scope?: string): unknown[] {
    const list = this.#lists.get(key) ?? [];
    if (scope === undefined || scope === '') return [...list];
    const prefix = new RegExp(`^(?:${scope})`);
    return list.filter((x) => prefix.test(nameOf(x)));
  }

  /** The list itself, made when absent. */
  ref(key: string): unknown[] {
    const list = this.#lists.get(key) ?? [];
    this.#lists.set(key, list);
    return list;
  }

  clear(key: string): void {
    this.#lists.delete(key);
  }

  keys(): string[] {
    return [...this.#lists.keys()];
  }
}

function nameOf(x: unknown): string {
  return typeof x === 'object' && x !== null && 'name' in x && typeof x.name === 'string' ? x.name : '';
}
