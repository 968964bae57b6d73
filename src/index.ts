/**
 * @file espalier: networks that are trained, pruned, written and run. Graphs and their operators are in
 * espalier/graph, data sets in espalier/data, what a page needs in espalier/web.
 */

// Networks: a model on a machine, trained, evaluated and stored.

export { readCosts } from './calibrate/cost-file.ts'
export type { Dataset, Normalization, SampleSet, Samples, Split } from './data/dataset.ts'
export { loadDataset } from './data/index.ts'
export type { CostTable } from './engine/cost.ts'
export type { EngineName, Machine } from './engine/machine.ts'
export { type MachineOptions, openMachine } from './engine/machines/open.ts'
export { findModel, models } from './models/index.ts'
export type { InitializerName, Model, ModelFamily, ModelOptions } from './models/model.ts'
export { learningRate, type RateSchedule } from './optim/schedule.ts'
export type { SgdOptions } from './optim/sgd.ts'
export { checkpointOf, loadCheckpoint, loadMasks, loadWeights, weightsOf } from './train/checkpoint.ts'
export type { Distance, OutputDistance } from './train/distance.ts'
export type { Evaluation } from './train/evaluation.ts'
export { findNetwork, networkOfFile } from './train/find-network.ts'
export type { Kernels, LayerGain } from './train/kernels.ts'
export { type Named, namedAs } from './train/layer-names.ts'
export { Network } from './train/network.ts'
export type { NetworkOptions } from './train/options.ts'
export { roundedModel } from './train/rounded-model.ts'
export {
  type EpochResult,
  type Hook,
  type StepProgress,
  type TrainOptions,
  train,
} from './train/train.ts'
export { planTraining, type TrainingPlan } from './train/training-plan.ts'

// Pruning: once, while a network trains, layer by layer, or in files.

export { type PrunedWeight, type PrunedWeights, pruneOnnx } from './methods/by-value/prune-onnx.ts'
export { type PrunedFile, pruneStored, type StoredPruning } from './methods/by-value/prune-stored.ts'
export {
  type LayerwiseOptions,
  type LayerwiseResult,
  type ObcOptions,
  pruneObc,
} from './methods/layerwise/driver.ts'
export {
  pruneInSequence,
  pruneSparseGpt,
  type SequentialMethod,
  type SequentialOptions,
} from './methods/layerwise/in-sequence.ts'
export { pruneSnows, type SnowsOptions } from './methods/layerwise/snows.ts'
export type { HorizonReport, Reconstruction, RefreshedStatistics } from './methods/masks.ts'
export { type GradualOptions, gradualPruning, type PruneOptions, type PruneResult, prune } from './methods/prune.ts'
export { type SaliencyName, saliencies } from './methods/saliency/index.ts'
export type { Measured, Saliency, ScoreContext, ScoredLayer, Statistic } from './methods/saliency/saliency.ts'
export { Scoring, type ScoringOptions } from './methods/saliency/scoring/scoring.ts'
export type { BatchNormMode } from './methods/saliency/settings.ts'
export type { SearchName, StartName, UpdateName } from './methods/second-order/composition.ts'
export { pruneSecondOrder } from './methods/second-order/driver.ts'
export { GradientCache } from './methods/second-order/fisher/gradient-cache.ts'
export { type GradientOptions, GradientSource } from './methods/second-order/fisher/gradients.ts'
export type { FisherBlocks } from './methods/second-order/fisher/parts.ts'
export type {
  SearchLimits,
  SecondOrderMethod,
  SecondOrderOptions,
  SecondOrderResult,
  StageReport,
} from './methods/second-order/options.ts'
export type { Assembled } from './quantize/quantize.ts'
export { type OnnxQuantization, type QuantizedOnnx, quantizeOnnx } from './quantize/quantize-onnx.ts'
export { BatchNormRefresh } from './train/refresh-batch-norm.ts'

// Methods by name: what recipes and the command read, for any network and data.

export { type MethodName, methods } from './methods/index.ts'
export { type Method, once, type PruningPlan, type PruningRequest } from './methods/method.ts'
export { type PruneByOptions, pruneBy } from './methods/prune-by.ts'

// Sparse training: weights that move, weights that share values, few that learn.

export { groupLasso } from './methods/group-lasso.ts'
export { freezeActive, globalSparseMomentum } from './methods/gsm/rule.ts'
export { gapOf, keepTop } from './methods/gsm/selection.ts'

export type { RewiredLayer, RewiringEvent } from './methods/rewiring/event.ts'
export {
  RewiringHook,
  type RewiringOptions,
  type RewiringSchedule,
} from './methods/rewiring/hook.ts'
export { type RewiringName, rewirings } from './methods/rewiring/index.ts'
export {
  type Moves,
  type Rewiring,
  type RewiringContext,
  type RewiringMethod,
  rewiringMethod,
  type SparseLayer,
} from './methods/rewiring/rewiring.ts'
export { smoothedGradients } from './methods/rewiring/smoothed-gradients.ts'
export { balancing, signIn } from './methods/sign-in.ts'
export { tied } from './methods/tied.ts'
export type { Tying } from './sparsity/tied.ts'
export type { GradientRule } from './train/rules.ts'

// Masks: how many weights are kept, which compete, what is left of a network.

export {
  type Connectivity,
  connectivityOf,
  effectiveSparsity,
  isCollapsed,
  type OnCollapse,
  type PathCount,
} from './sparsity/collapse.ts'
export { type Count, keptCount, truncatedCount } from './sparsity/count.ts'
export { type Floor, parseFloor } from './sparsity/floor.ts'
export { findGranularity, granularities } from './sparsity/granularity/index.ts'
export type { Pattern } from './sparsity/granularity/n-of-m.ts'
export type { RunName } from './sparsity/granularity/runs.ts'
export { collapsedLayers, type LayerCount, sparsityOf } from './sparsity/mask.ts'
export { type Costs, type MultiplyAdds, multiplyAddsOf, weightCosts } from './sparsity/multiply-adds.ts'
export { type Overlap, overlapOf, totalOverlap } from './sparsity/overlap.ts'
export { type PruningEvent, type PruningSchedule, pruningEvents } from './sparsity/schedule.ts'
export { erkDensities, type Scope, type ScopeName, scopes } from './sparsity/scope.ts'
export { sparsitiesOf } from './sparsity/sparsities.ts'
export { chooseTensors, type PrunableSet, prunableSets, type TensorChoice } from './sparsity/tensors.ts'

// Files of weights, and networks made of them.

export { type OnnxOptions, type StoredNetwork, type Written, writeNetwork } from './formats/network-file.ts'
export type { CompactReport } from './formats/onnx/compact-model.ts'
export { type OnnxModel, readOnnx } from './formats/onnx/onnx.ts'
export { type StoredWeight, type StoredWeights, storedWeights, type Untouched } from './formats/onnx/weights.ts'
export {
  readSafetensors,
  type StoredTensor,
  type TensorFile,
  toFloats,
  writeSafetensors,
} from './formats/safetensors.ts'
export { packSparse, unpackSparse } from './formats/sparse.ts'
export { parseTorch } from './formats/torch/torch.ts'
export { readWeights, type WeightsFile } from './formats/weights-file.ts'
export { SparseModel, type SparseModelOptions } from './infer/sparse-model.ts'

// What a network comes to, before it is pruned and after.

export {
  type BeforeAndAfter,
  beforeAndAfter,
  type FiguresOptions,
  type NetworkFigures,
  type NetworkInFile,
} from './figures/before-after.ts'
export { type StoredForm, storedSize, type WeightFigures, weightFigures } from './figures/figures.ts'
export { leastInTurns, type Run, runOf, type TurnOptions, Yardstick } from './figures/time.ts'

// Targets: levels of single tensors, what they cost, and which to choose.

export { type Allocation, allocate, type Option } from './target/allocate.ts'
export { type ChooseOptions, type Chosen, chooseSparsities } from './target/choose.ts'
export { type ChooseUnitsOptions, type ChosenUnits, chooseUnits } from './target/choose-units.ts'
export type { DenseNetwork } from './target/compacted.ts'
export { CompactedCosts } from './target/compacted-costs.ts'
export { type Latency, type LatencyOptions, measureLatency, timeAt, yardstickOf } from './target/latency.ts'
export { LevelStore } from './target/level-store.ts'
export { type LevelOptions, measureLevels } from './target/levels.ts'
export type { LimitNames, Limits } from './target/limits.ts'
export { onnxRuntime } from './target/onnx-runtime.ts'
export { espalierRuntime, type Running, type Runtime } from './target/runtimes.ts'
export { type Choice, type SearchOptions, search, type TargetNames, type Targets } from './target/search.ts'
export type { NetworkCosts, UnitChoice } from './target/search-units.ts'
export type { Level, TensorLevels } from './target/tensor-levels.ts'
export type { TrialOptions } from './target/trial-plan.ts'
export { type Judged, Trials } from './target/trials.ts'
export { type Asked, type Kind, type Unit, type UnitLevel, type UnitLevels, unitsOf } from './target/unit.ts'

// Recipes: experiments as files.

export { type DryRun, dryRun } from './experiment/plan/dry-run.ts'
export { checkRecipe, type Recipe, readRecipe } from './experiment/recipe/recipe.ts'
export type { RunEvent, RunOutcome, RunResult } from './experiment/run/events.ts'
export { type RunOptions, runRecipe } from './experiment/run/run.ts'
export { runTicket, type TicketOutcome } from './experiment/ticket/run.ts'

// Errors, and random numbers.

export { UserError } from './util/errors.ts'
export { type Random, random } from './util/random.ts'
