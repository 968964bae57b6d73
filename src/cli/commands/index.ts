/**
 * @file The commands, in the order of the help text. `espalier --version` loads nothing but this list: a
 * command's arguments and flags are in a file of their own, its work is imported when it is run.
 */
import type { Command } from 'commander'

export interface CommandEntry {
  description: string
  /** A new one, with its arguments and flags. */
  define(): Promise<Command>
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  run: {
    description: 'run a recipe: train, prune, evaluate, report',
    define: async () => (await import('./run.ts')).runCommand(),
  },
  init: {
    description: 'write a recipe for a network and a data set, to be changed and run',
    define: async () => (await import('./init.ts')).initCommand(),
  },
  sweep: {
    description: 'run a recipe with every combination of some values, in processes of their own',
    define: async () => (await import('./sweep.ts')).sweepCommand(),
  },
  worker: {
    description: 'run what sweeps put on a queue (espalier sweep --redis), on this machine',
    define: async () => (await import('./worker.ts')).workerCommand(),
  },
  prune: {
    description: 'prune a trained network, without training or with some after it',
    define: async () => (await import('./prune.ts')).pruneCommand(),
  },
  quantize: {
    description: 'weights, and what is computed, as whole numbers of few bits, calibrated on data',
    define: async () => (await import('./quantize.ts')).quantizeCommand(),
  },
  sensitivity: {
    description: 'what pruning each tensor alone does to the loss and the time, level by level, by really doing it',
    define: async () => (await import('./sensitivity.ts')).sensitivityCommand(),
  },
  eval: {
    description: 'accuracy of stored weights on the test set of a data set',
    define: async () => (await import('./eval.ts')).evalCommand(),
  },
  bench: {
    description: 'how fast a network infers with its zeros skipped, beside dense kernels',
    define: async () => (await import('./bench.ts')).benchCommand(),
  },
  calibrate: {
    description: 'measure the kernels of this machine: a table of costs, by which layers skip their zeros or not',
    define: async () => (await import('./calibrate.ts')).calibrateCommand(),
  },
  report: {
    description: 'what runs and sweeps came to: means and deviations over seeds, by method and sparsity',
    define: async () => (await import('./report.ts')).reportCommand(),
  },
  export: {
    description: 'the metrics of runs and sweeps as event files of TensorBoard or as CSV',
    define: async () => (await import('./export.ts')).exportCommand(),
  },
  studio: {
    description: 'runs and sweeps as they go, in a browser: curves, layers, time left, comparisons, reports',
    define: async () => (await import('./studio.ts')).studioCommand(),
  },
  ledger: {
    description: 'one page of all that was measured: accuracy, cost and published figures, by network and sparsity',
    define: async () => (await import('./ledger.ts')).ledgerCommand(),
  },
  verify: {
    description: 'whether the record of a pruned network, or a run, can be obtained again on this machine',
    define: async () => (await import('./verify.ts')).verifyCommand(),
  },
  inspect: {
    description:
      'what a file of weights (ONNX, safetensors, PyTorch, HDF5) or the model of a run folder holds, or what a training step of a network takes',
    define: async () => (await import('./inspect.ts')).inspectCommand(),
  },
  convert: {
    description: 'a network with its weights, written in another format: .onnx, .safetensors or HDF5',
    define: async () => (await import('./convert.ts')).convertCommand(),
  },
  compare: {
    description: 'several networks side by side: weights, zeros, sizes, time and, with data, accuracy',
    define: async () => (await import('./compare.ts')).compareCommand(),
  },
  'compare-masks': {
    description: 'how far two pruned networks kept the same weights: zeros count as pruned',
    define: async () => (await import('./compare-masks.ts')).compareMasksCommand(),
  },
  list: {
    description: 'the models, data sets, pruning methods or recipes that there are',
    define: async () => (await import('./list.ts')).listCommand(),
  },
  native: {
    description:
      'compile the kernels for this machine: WebAssembly, which runs them otherwise, takes several times as long',
    define: async () => (await import('./native.ts')).nativeCommand(),
  },
  doctor: {
    description: 'what this machine has: engines and their limits, optional packages, memory that networks take',
    define: async () => (await import('./doctor.ts')).doctorCommand(),
  },
  data: {
    description: 'data sets: list them, fetch one, look into one',
    define: async () => (await import('./data.ts')).dataCommand(),
  },
}
