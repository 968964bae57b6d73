// What espalier exports. Written by scripts/api.mjs (npm run api).

export interface Allocation {
    levels: number[];
    loss: number;
    costs: number[];
}

export type Asked = {
    channels: number;
} | {
    sparsity: number;
};

export interface Assembled {
    file: OnnxFile;
    values: number;
    notes: string[];
}

export type BatchNormMode = keyof typeof batchNormModes;

export declare class BatchNormRefresh {
    #private;
    readonly programs: Record<string, (forward: Forward) => Graph>;
    constructor(images: number, { name, atOnce }?: {
        name?: string | undefined;
        atOnce?: number | undefined;
    });
    get layers(): number;
    run(network: Network, images: Uint32Array, progress?: (done: number, total: number) => void): void;
}

export interface BeforeAndAfter {
    before: NetworkFigures;
    after: NetworkFigures;
    runtime?: {
        batch: number;
        version: string;
    };
    oneThread?: number;
    notes: string[];
}

export interface Choice {
    levels: Map<string, number>;
    sparsities: Map<string, number>;
    loss: number;
    milliseconds?: number;
}

export interface ChooseOptions {
    trials: Trials;
    model: Model;
    file: WeightsFile;
    source: string;
    tensors: readonly Tensor[];
    limits: Limits;
    names?: LimitNames;
    timing?: {
        machine: Machine;
        batch?: number;
        yardstick?: Yardstick;
    };
    stored?: StoredForm;
    zeros?: boolean;
    compress?: SizeOptions['compress'];
    sizeOf?(weights: TensorFile): number | Promise<number>;
    sparsities?: readonly number[];
    store?: KeptLevels;
    onProgress?(part: 'levels' | 'times' | 'choices' | 'drop' | 'size', text: string, share?: number): void;
}

export interface ChooseUnitsOptions {
    trials: Trials;
    units: readonly Unit[];
    tensors: readonly Tensor[];
    costs: CompactedCosts;
    limits: Limits;
    names?: LimitNames;
    store?: KeptLevels;
    onProgress?(part: 'levels' | 'costs' | 'drop', text: string, share?: number): void;
}

export interface Chosen extends Choice {
    tensors: TensorLevels[];
    yardstick?: Yardstick;
}

export interface ChosenUnits {
    channels: Map<string, number>;
    sparsities: Map<string, number>;
    share: number;
    choice: UnitChoice;
    units: UnitLevels[];
    dense: NetworkCosts;
}

export interface CompactReport {
    layers: CompactLayer[];
    parameters: {
        before: number;
        after: number;
    };
    multiplications: {
        before: number;
        after: number;
    };
}

export declare class CompactedCosts {
    #private;
    private constructor();
    static open(network: DenseNetwork, runtime?: Runtime): Promise<CompactedCosts>;
    get timed(): boolean;
    ofDense(): Promise<NetworkCosts>;
    at(units: readonly UnitLevels[], levels: ReadonlyMap<string, number>): Promise<NetworkCosts>;
    withTensors(changed: TensorFile['tensors']): Promise<NetworkCosts>;
    close(): Promise<void>;
}

export interface Connectivity {
    layers: PathCount[];
    collapsed: PathCount[];
    deadOutputs: number;
    outputs: number;
}

export interface CostTable {
    name: string;
    lanes: number;
    date: string;
    processor: string;
    instructionSet: string;
    threads: number;
    costs: Readonly<Record<Pass, Readonly<Record<LayerKind, KindCosts>>>>;
}

export type Costs = ReadonlyMap<string, number>;

export type Count = (n: number, sparsity: number) => number;

export interface Dataset extends SampleSet {
    classes: number;
    train: Split;
    test: Split;
}

export interface DenseNetwork {
    file: TensorFile & {
        onnx?: OnnxModel;
    };
    model: Model;
    source: string;
    multipleOf?: number;
    stored?: 'dense' | 'brotli';
}

export interface Distance {
    loss: number;
    outputs: readonly OutputDistance[];
    count: number;
}

export interface DryRun {
    engine: string;
    layers: LayerCount[];
    parameters: number;
    kernels: Record<string, number>;
    arenaBytes: number;
    secondsPerStep: number;
    runs?: {
        name: string;
        steps: number;
    }[];
    steps?: number;
    estimatedSeconds?: number;
    warning?: string;
    guess?: string;
    counted?: string;
    missingData?: string;
}

export type EngineName = 'native' | 'wasm' | 'webgpu' | 'reference';

export interface EpochResult {
    epoch: number;
    step: number;
    learningRate: number;
    trainLoss: number;
    trainAccuracy: number;
    outputs?: Record<string, number>;
}

export interface Evaluation extends MacroMeasures {
    loss: number;
    accuracy: number;
    correct: number;
    count: number;
    top5?: number;
    constant?: true;
}

export interface FiguresOptions {
    machine: Machine;
    single?: Machine;
    batch?: number;
    yardstick?: Yardstick;
    seconds?: number;
    onProgress?(what: string, share: number): void;
}

export type FisherBlocks = 'full' | 'layer' | number;

export interface Floor {
    weights: number;
    share: number;
}

export declare class GradientCache {
    #private;
    constructor(folder: string, notice?: (sentence: string) => void);
    keyOf: typeof gradientKey;
    restore(key: string, arrays: readonly Floats[], what?: string): boolean;
    save(key: string, arrays: readonly Floats[], what?: string): void;
    derived(key: string, settings: unknown, what: string, sizes: readonly number[], compute: () => Float64Array[]): Float64Array[];
}

export interface GradientOptions {
    tensors: readonly string[];
    samples: number;
    miniBatch?: number;
    cache?: GradientCache;
    groups?: readonly (readonly Part[])[];
    atOnce?: number;
    descends?: boolean;
    program?: string;
}

export interface GradientRule {
    apply(graph: Graph, parameters: readonly Tensor[], gradients: readonly Tensor[]): Tensor[];
    step?: MaskedStep;
    begin?(network: Ruled, seed: number): void;
    loaded?(network: Ruled): void;
    learnable?(shape: Shape): number;
}

export declare class GradientSource {
    #private;
    readonly programs: Record<string, (forward: Forward, model: Model) => Graph>;
    constructor(options: GradientOptions);
    get tensors(): readonly string[];
    get count(): number;
    get groups(): number;
    room(network: Network, left?: number): number;
    collect(network: Network, indices: Uint32Array, progress?: (done: number, total: number) => void, group?: number, space?: Workspace): Gradients;
}

export interface GradualOptions extends Omit<PruneOptions, 'sparsity'> {
    schedule: PruningSchedule;
    event?(network: Network, event: PruningEvent, index: number): PruneResult;
    before?(step: number, whole: boolean): void;
    after?(step: number, target: number, result: PruneResult): void;
}

export interface Hook {
    atStep(step: number, network: Network): unknown;
}

export interface HorizonReport {
    steps: number;
    before: number;
    after: number;
    newtonSteps: number;
}

export type InitializerName = keyof typeof initializers;

export interface Judged {
    loss: number;
    accuracy?: number;
}

export type Kernels = (typeof kernelKinds)[number];

export type Kind = (typeof kinds)[number];

export interface Latency {
    layers: Map<string, number[]>;
    rest: number;
    dense: number;
}

export interface LatencyOptions {
    machine: Machine;
    file: TensorFile & {
        onnx?: OnnxModel;
    };
    model?: string;
    source: string;
    batch?: number;
    yardstick?: Yardstick;
    progress?(done: number, total: number): void;
}

export interface LayerCount {
    name: string;
    size: number;
    kept: number;
    effective?: number;
    learnable?: number;
}

export interface LayerGain {
    name: string;
    sparse: boolean;
    gain?: number;
}

export interface LayerwiseOptions {
    layers?: readonly string[];
    samples?: number;
    damp?: number;
    seed?: number;
    progress?(layer: string, done: number, total: number): void;
}

export interface LayerwiseResult extends PruneResult {
    reconstructions: Reconstruction[];
}

export interface Level extends Judged {
    sparsity: number;
    kept: number;
    mask: Uint8Array;
}

export interface LevelOptions {
    sparsities?: readonly number[];
    store?: KeptLevels;
    progress?(tensor: string, share: number): void;
}

export declare class LevelStore implements KeptLevels {
    #private;
    readonly folder: string;
    constructor(parent: string, key: string);
    read(name: string, sparsity: number): Level | undefined;
    write(name: string, { mask, ...facts }: Level): void;
}

export type LimitNames = Readonly<Record<keyof Limits, string>>;

export interface Limits extends Targets {
    drop?: number;
}

export interface Machine {
    readonly engine: EngineName;
    readonly instructionSet: InstructionSet;
    readonly threads: number;
    readonly anySize?: boolean;
    readonly mostBytes?: number;
    readonly description: string;
    allocate(floats: number): Arena;
    runApart(runs: readonly Run[]): void;
}

export interface MachineOptions {
    engine?: EngineName;
    threads?: number;
    instructionSet?: string;
}

export interface Measured {
    gradient: Floats;
    squares: Floats;
    hessianGradient: Floats;
    hessianGradientOfAll: Floats;
    hessianDiagonal: Floats;
    flow: Floats;
}

export interface Method {
    readonly summary: string;
    readonly section: Section;
    readonly settings: z.ZodObject;
    readonly takes: readonly string[];
    readonly scopes: readonly ScopeName[];
    readonly ranked: boolean;
    readonly sparsities: boolean;
    readonly flops: boolean;
    readonly stored: boolean;
    readonly prunable: PrunableSet;
    readonly onlyOnce?: boolean;
    readonly beside?: string;
    with?(settings: object): Method;
    check?(settings: object, nameOf: NameOf): void;
    plan(settings: object, request: PruningRequest): Promise<PruningPlan>;
}

export type MethodName = keyof typeof methods;

export interface Model {
    name: string;
    summary: string;
    image: readonly [
        number,
        number,
        number
    ];
    classes: number;
    inputs?: readonly RowPart[];
    outputs?: readonly RowPart[];
    output?: string;
    softmax?: boolean;
    oneByOne?: boolean;
    note?: string;
    exact?: Model;
    resize?: number;
    vocabulary?: number;
    widen?: number;
    published?: readonly string[];
    defaultInit?: InitializerName;
    build(graph: Graph, images: Tensor, training: boolean): Tensor;
    closing?(graph: Graph, logits: Tensor): Tensor;
}

export interface ModelFamily extends Omit<Model, 'build'> {
    build(graph: Graph, images: Tensor, training: boolean, options: Required<ModelOptions>): Tensor;
}

export interface ModelOptions {
    classes?: number;
    widen?: number;
}

export interface Moves {
    pruned: Int32Array;
    grown: Int32Array;
}

export interface MultiplyAdds {
    dense: number;
    kept: number;
}

export interface Named<F extends TensorFile> {
    file: F;
    renamed: ReadonlyMap<string, string>;
}

export declare class Network {
    #private;
    readonly machine: Machine;
    readonly model: Model;
    readonly data: SampleSet;
    readonly parameters: readonly Tensor[];
    readonly stored: readonly Tensor[];
    readonly prunable: readonly Tensor[];
    readonly indices: Indices;
    readonly batch: number;
    readonly augment?: Augmentation;
    readonly rules: readonly GradientRule[];
    readonly states: readonly Tensor[];
    readonly weights: Weights;
    readonly kernels: LayerKernels;
    constructor(options: NetworkOptions);
    get stepsPerEpoch(): number;
    get executable(): Executable;
    values(parameter: string): Floats;
    mask(parameter: string): Floats;
    momentum(parameter: string): Floats;
    state(name: string): Floats;
    layers(): MaskedLayer[];
    selectTop(layers: readonly MaskedLayer[], keep: number): void;
    applyMasks(): void;
    fitKernels(): void;
    gains(): LayerGain[];
    densify(): void;
    counts(): LayerCount[];
    assertMasked(): void;
    step(samples: ArrayLike<number>, when?: StepTime): StepResult;
    denseGradients(samples: ArrayLike<number>, when?: StepTime): Floats[];
    load(samples: ArrayLike<number>, when: StepTime): Promise<void>;
    get judgedByDistance(): boolean;
    remember(): void;
    remembered(): Remembered;
    rememberFrom(remembered: Remembered): void;
    distance(): Distance;
    trainingLoss(samples: Uint32Array): number;
    evaluate(part: 'test' | 'validation' | 'train'): Evaluation;
    evaluateTraining(samples: Uint32Array): Evaluation;
}

export interface NetworkCosts {
    milliseconds?: number;
    bytes: number;
    multiplyAdds: number;
}

export interface NetworkFigures {
    milliseconds?: number;
    onnxruntime?: number;
    multiplyAdds?: number;
    memory?: number;
    bytes: number;
    brotli: number;
    sparsity?: number;
}

export interface NetworkInFile {
    path: string;
    file: WeightsFile;
    model?: Model;
}

export interface NetworkOptions {
    machine: Machine;
    model: Model;
    data: SampleSet;
    batch?: number;
    masks?: boolean;
    validation?: number;
    stratify?: boolean;
    seed?: number;
    init?: InitializerName;
    augment?: Augmentation;
    judged?: number;
    judgedToo?: number;
    evaluatesTraining?: boolean;
    prunable?: readonly string[];
    kernels?: Kernels;
    costs?: CostTable;
    denseGradients?: boolean;
    rules?: readonly GradientRule[];
    programs?: Readonly<Record<string, (forward: Forward, model: Model) => Graph>>;
}

export interface Normalization {
    mean: readonly number[];
    std: readonly number[];
}

export interface ObcOptions extends LayerwiseOptions {
    sparsity: number;
    scope?: ScopeName | Scope;
}

export type OnCollapse = (typeof onCollapseKinds)[number];

export interface OnnxModel {
    file: OnnxFile;
    network: OnnxNetwork | Unsupported;
    reading: ImportOptions;
}

export interface OnnxOptions {
    sparse?: boolean;
    float16?: boolean;
    foldBatchNorm?: boolean;
    compact?: boolean;
    multipleOf?: number;
    batch?: number;
    sizes?: boolean;
}

export interface OnnxQuantization {
    machine: Machine;
    data: SampleSet;
    include?: readonly string[];
    exclude?: readonly string[];
    weights?: Omit<WeightOptions, 'progress'>;
    activations?: (RangeOptions & {
        type?: ValueType;
    }) | 'dynamic';
    progress?(what: string, share: number): void;
}

export interface Option {
    loss: number;
    costs: readonly number[];
}

export interface OutputDistance {
    name: string;
    distance: number;
    unit: 'variance' | 'nats';
}

export interface Overlap {
    name: string;
    size: number;
    keptA: number;
    keptB: number;
    both: number;
    jaccard: number;
}

export interface PathCount extends LayerCount {
    effective: number;
}

export interface Pattern {
    n: number;
    m: number;
}

export type PrunableSet = (typeof prunableSets)[number];

export interface PruneByOptions extends TensorChoice {
    machine: Machine;
    model: Model;
    data: Dataset;
    weights?: TensorFile;
    source?: string;
    sparsity: number;
    scope?: ScopeName;
    flops?: number;
    settings?: object;
    seed?: number;
    onProgress?: PruningProgress;
}

export interface PruneOptions extends MaskOptions {
    method?: SaliencyName | Scoring;
    seed?: number;
    progress?(done: number, total: number): void;
}

export interface PruneResult extends Connectivity {
    sparsity: number;
    floor?: string;
    multiplyAdds?: MultiplyAdds;
    reconstructed?: Reconstructed;
    statistics?: RefreshedStatistics;
    polished?: Polished;
    stages?: StageReport[];
    reconstructions?: Reconstruction[];
    gradients?: number;
    seconds?: Record<string, number>;
}

export interface PrunedFile {
    file: TensorFile;
    layers: LayerCount[];
}

export interface PrunedWeight extends LayerCount {
    shape: readonly number[];
    before: number;
}

export interface PrunedWeights {
    changes: Map<string, StoredTensor>;
    tensors: PrunedWeight[];
    emptied: string[];
}

export interface PruningEvent {
    step: number;
    lifts?: boolean;
    sparsity: number;
    at(final: number): number;
}

export interface PruningPlan {
    settings: Readonly<Record<string, number | string | boolean | undefined>>;
    network: Pick<NetworkOptions, 'programs' | 'judged' | 'prunable'> & {
        kernels?: Kernels;
    };
    readonly budgets?: boolean;
    scores?(network: Network): ReadonlyMap<string, Floats>;
    prune(network: Network, event: PruningEvent, index: number, progress?: PruningProgress): PruneResult;
    refresh?(network: Network, progress?: PruningProgress): RefreshedStatistics;
    polish?(network: Network, progress?: PruningProgress): Polished;
}

export interface PruningRequest {
    model: Model;
    data: {
        name: string;
        samples: number;
    };
    tensors: readonly Tensor[];
    scope: ScopeName;
    masks?: Omit<MaskOptions, 'sparsity' | 'scope'>;
    left?: number;
    sparsities?: ReadonlyMap<string, number>;
    flops?: number;
    seed: number;
    nameOf: NameOf;
    trained?: boolean;
    fileOf?(path: string): string;
    cache?: {
        folder: string;
        notice(sentence: string): void;
    };
}

export interface PruningSchedule {
    kind: ScheduleKind;
    sparsity: number;
    start: number;
    end: number;
    every: number;
    initial?: number;
}

export interface QuantizedOnnx extends Quantized {
    file: OnnxFile;
    notes: string[];
}

export declare class Random {
    #private;
    constructor(state: Int32Array);
    bits(): number;
    uniform(): number;
    below(n: number): number;
    normal(): number;
    permutation(n: number): Uint32Array;
}

export interface RateSchedule {
    kind: 'constant' | 'steps' | 'cosine';
    base: number | ((step: number) => number);
    total: number;
    warmup?: number;
    drops?: readonly number[];
    factor?: number;
}

export type Recipe = z.output<typeof recipeSchema>;

export interface Reconstruction {
    name: string;
    error: number;
    dead: number;
    horizon?: HorizonReport;
}

export interface RefreshedStatistics {
    images: number;
    before: number;
    after: number;
    taken: boolean;
    outputs?: number;
}

export interface RewiredLayer {
    name: string;
    pruned: number;
    grown: number;
    weights: number;
    before: number;
    after: number;
    rows: number;
    aliveRows: number;
    grownRows: number;
    halfRows: number;
}

export interface Rewiring {
    drawn?: boolean;
    beginsWith?(layer: string, place: number, value: number): number;
    begin?(layers: readonly SparseLayer[]): void;
    event(layers: readonly SparseLayer[], context: RewiringContext): Moves[];
    state(): Record<string, number>;
    restore(state: Readonly<Record<string, number>>): void;
}

export interface RewiringContext {
    draw(name: string): Random;
    step: number;
    rate: number;
    owed: number;
    elapsed: number;
    normalized: boolean;
    outputLayer: string;
    gradient(layer: string): Floats;
}

export interface RewiringEvent {
    step: number;
    pruned: number;
    grown: number;
    state: Record<string, number>;
    layers: RewiredLayer[];
    explored: number;
    remaining: number;
    seconds: number;
}

export declare class RewiringHook implements Hook {
    #private;
    constructor(options: RewiringOptions);
    atStep(step: number, network: Network): void;
    save(): {
        state: Record<string, number>;
        tensors: Map<string, StoredTensor>;
    };
    restore(state: Readonly<Record<string, number>>, file: TensorFile, network: Network): void;
}

export interface RewiringMethod<Settings extends z.ZodObject = z.ZodObject> {
    summary: string;
    settings: Settings;
    gradients?: 'batch' | 'smoothed';
    granularities?: readonly string[];
    gradual?: boolean;
    everyStep?: boolean;
    make(settings: z.output<Settings> & {
        seed: number;
    }): Rewiring;
}

export type RewiringName = keyof typeof rewirings;

export interface RewiringOptions {
    rewiring: Rewiring;
    granularity?: RunName;
    gradual?: boolean;
    schedule: RewiringSchedule;
    rate(step: number): number;
    seed: number;
    gradients?: 'batch' | 'smoothed';
    hidden?: HiddenWeights;
    idle?: ReadonlyMap<string, Int32Array>;
    logged?(step: number): boolean;
    onEvent?(event: RewiringEvent): void;
}

export interface RewiringSchedule {
    start: number;
    end: number;
    period(step: number): number;
}

export type Run = () => unknown;

export type RunEvent = {
    type: 'start';
    folder: string;
    engine: string;
    layers: LayerCount[];
    epochs: number;
    steps: number;
    resumedAt?: number;
} | ({
    type: 'progress';
    sparsity: number;
} & Progress) | EpochReport | PruneReport | ({
    type: 'rewire';
} & RewiringEvent) | {
    type: 'pruning';
    phase: string;
    text: string;
    share?: number;
} | {
    type: 'notice';
    text: string;
} | {
    type: 'phase';
    name: string;
    index: number;
    phases: number;
} | {
    type: 'end';
    folder: string;
    result: RunResult;
};

export type RunName = keyof typeof axes;

export interface RunOptions {
    source?: string;
    out?: string;
    resume?: boolean;
    force?: boolean;
    checkpointSeconds?: number;
    machine?: Machine;
    data?: LabelledSet;
    signal?: AbortSignal;
    onUnstoppable?(is: boolean, folder: string): void;
    onEvent?(event: RunEvent): void;
    onData?(progress: DataProgress): void;
}

export interface RunOutcome {
    folder: string;
    interrupted: boolean;
    result?: RunResult;
}

export interface RunResult extends Connectivity {
    kernels: LayerGain[];
    costs?: CostsUsed;
    sparsity: number;
    dense?: Evaluation;
    final: Evaluation;
    keptEpoch?: number;
    lastEpoch?: Evaluation;
    multiplyAdds?: MultiplyAdds;
    gap?: Gap;
    denseBytes: number;
    modelBytes: number;
    seconds: number;
}

export interface Running {
    run: Run;
    close(): Promise<void>;
}

export interface Runtime {
    description: string;
    batch: number;
    skipsZeros: boolean;
    open(network: Pick<Compacted, 'onnx' | 'reading'>): Promise<Running>;
}

export interface Saliency<Needed extends Statistic = never> {
    summary: string;
    needs?: readonly Needed[];
    temperature?: number;
    sign?: 1 | -1;
    rounds?: Rounds;
    summed?: 'scores' | 'squares';
    score(layers: readonly ScoredLayer<Needed>[], context: ScoreContext): void;
}

export type SaliencyName = keyof typeof saliencies;

export interface SampleSet extends Normalization {
    name: string;
    classes?: number;
    classNames?: readonly string[];
    image: readonly [
        number,
        number,
        number
    ];
    origin?: Origin;
    train: Samples;
    test: Samples;
    floats?: true;
    notes?: readonly string[];
    geometry?: Geometry;
    skipped?: readonly string[];
}

export interface Samples {
    count: number;
    images: Uint8Array | Float32Array;
    photographs?: (sample: number) => Promise<Pixels>;
    labels?: Labels;
    targets?: {
        shape: readonly number[];
        values: Float32Array;
    };
    files?: readonly string[];
}

export interface Scope {
    summary: string;
    groups(layers: readonly Layer[], sparsity: number, count?: Count): Group[];
    channelShare?(shapes: readonly Shape[]): number;
    isDense?(name: string): boolean;
}

export type ScopeName = keyof typeof scopes;

export interface ScoreContext {
    draw(name: string): Random;
    miniBatch: number;
    sign: 1 | -1;
}

export type ScoredLayer<Needed extends Statistic = never> = {
    name: string;
    weights: Floats;
    scores: Floats;
} & Pick<Measured, Needed>;

export declare class Scoring {
    #private;
    readonly method: SaliencyName;
    readonly settings: Partial<Record<MeasuringKey, number | string>>;
    readonly programs: Programs;
    readonly rounds: number;
    readonly returning: boolean;
    readonly sumsSquares: boolean;
    readonly runs: number;
    readonly gradients: number;
    constructor(options: ScoringOptions);
    score(network: Network, layers: readonly ScoredLayer[], time: ScoringTime, ran?: () => void): void;
}

export interface ScoringOptions {
    method: SaliencyName;
    samples?: number;
    available?: number;
    miniBatch?: number;
    atOnce?: number;
    batchNorm?: BatchNormMode;
    temperature?: number;
    prunable?: readonly string[];
    probes?: number;
    sign?: '+' | '-';
    rounds?: number;
    nameOf?: NameOf;
}

export type SearchLimits = Pick<LocalSearchOptions, 'epsilon' | 'rho' | 'tau' | 'passes' | 'patience'>;

export type SearchName = (typeof searchNames)[number];

export interface SearchOptions {
    tensors: readonly TensorLevels[];
    targets: Targets;
    losses?: ReadonlyMap<string, readonly number[]>;
    latency?: Latency;
    time?(levels: ReadonlyMap<string, number>): number | Promise<number>;
    otherBytes: number;
    sizes?: ReadonlyMap<string, readonly number[]>;
    costs: ReadonlyMap<string, number>;
    names?: TargetNames;
}

export type SecondOrderMethod = keyof typeof secondOrderMethods;

export interface SecondOrderOptions {
    method: SecondOrderMethod;
    start?: StartName | readonly Float32Array[];
    search?: SearchName;
    update?: UpdateName;
    updateEachPass?: boolean;
    sparsity: number;
    sparsities?: readonly number[];
    flops?: number;
    flopsPower?: number;
    gradients: Uint32Array;
    judge: Uint32Array;
    judgeStart?: Uint32Array;
    lambda?: number;
    fisher?: FisherBlocks;
    scope?: 'global' | 'layerwise';
    stages?: number;
    firstOrder?: number | 'search';
    scale?: number | 'search';
    candidates?: number;
    limits?: SearchLimits;
    seed?: number;
    faithful?: boolean;
    between?(): void;
    onProgress?: (phase: Phase | 'stages', text: string, share?: number) => void;
}

export interface SecondOrderResult {
    size: number;
    kept: number;
    stages: StageReport[];
    seconds: Record<Phase, number>;
}

export type SequentialMethod = keyof typeof solvers;

export interface SequentialOptions extends LayerwiseOptions {
    sparsity?: number;
    scope?: 'layerwise' | 'erk' | Scope;
    pattern?: Pattern;
    sequential?: boolean;
}

export interface SgdOptions {
    momentum?: number;
    nesterov?: boolean;
    weightDecay?: number;
    biasDecay?: number;
    l1?: number;
}

export interface SnowsOptions extends LayerwiseOptions {
    sparsity: number;
    scope?: ScopeName;
    horizon?: number;
    newtonSteps?: number;
    cgIterations?: number;
    dense?: ReadonlyMap<string, Floats>;
}

export interface SparseLayer {
    readonly name: string;
    readonly length: number;
    readonly size: number;
    readonly rows: number;
    readonly idle?: Int32Array;
    readonly positions: Int32Array;
    readonly values: Float64Array;
}

export declare class SparseModel {
    #private;
    readonly model: Model;
    readonly machine: Machine;
    readonly costs: CostTable;
    constructor(file: TensorFile & {
        onnx?: OnnxModel;
    }, { machine, costs, integers, ...options }: SparseModelOptions);
    run(images: ArrayLike<number>): Float32Array;
    layers(batch: number): LayerGain[];
    memory(batch: number): number;
    get sparsity(): number;
    profile(batch: number, rounds?: number): Profiled[];
    profileLayers(batch: number, rounds?: number): {
        layers: Map<string, number>;
        rest: number;
    };
}

export interface SparseModelOptions extends InferenceOptions {
    machine: Machine;
    integers?: boolean;
}

export interface Split extends Samples {
    images: Uint8Array;
    labels: Labels;
}

export interface StageReport {
    kept: number;
    multiplyAdds?: number;
    selected: number;
    updated?: number;
    scale?: number;
    firstOrder?: number;
    damping?: number;
    search?: {
        swaps: number;
        from: number;
        to: number;
        taken: boolean;
    };
    residual?: number;
}

export type StartName = (typeof startNames)[number];

export type Statistic = keyof Measured;

export interface StepProgress {
    step: number;
    epoch: number;
    sums: EpochSums;
}

export type StoredForm = (typeof storedForms)[number];

export interface StoredNetwork {
    weights: TensorFile;
    model?: Model;
    onnx?: OnnxModel;
    changed?: ReadonlyMap<string, StoredTensor>;
}

export interface StoredPruning extends Removing {
    tensors: readonly string[];
}

export interface StoredTensor {
    dtype: DType;
    shape: readonly number[];
    data: Uint8Array;
}

export interface StoredWeight {
    key: string;
    dtype: DType;
    shape: readonly number[];
    stored(): StoredTensor;
    weigh(values: StoredTensor): Weighed;
    parts(): {
        layer: string;
        elements: Int32Array;
    }[];
}

export interface StoredWeights {
    weights: StoredWeight[];
    untouched: Untouched[];
    quantized: {
        key: string;
        weigh(values: StoredTensor): Weighed;
    }[];
}

export type TargetNames = Readonly<Record<keyof Targets, string>>;

export interface Targets {
    milliseconds?: number;
    bytes?: number;
    flops?: number;
}

export interface TensorChoice {
    prunable?: PrunableSet;
    include?: readonly string[];
    exclude?: readonly string[];
}

export interface TensorFile {
    tensors: Map<string, StoredTensor>;
    metadata: Record<string, string>;
}

export interface TensorLevels {
    name: string;
    size: number;
    levels: Level[];
}

export interface TicketOutcome extends Omit<RunOutcome, 'result'> {
    phases: PhaseResult[];
}

export interface TrainOptions {
    epochs: number;
    optimizer?: SgdOptions;
    schedule: Omit<RateSchedule, 'total'>;
    seed?: number;
    hooks?: readonly Hook[];
    start?: number;
    resumeAt?: number;
    epochSoFar?: EpochSums;
    onStep?(progress: StepProgress): void;
    onEpoch?(epoch: EpochResult): void;
    signal?: AbortSignal;
}

export interface TrainingPlan {
    kernels: Record<string, number>;
    persistent: PersistentMemory;
    peak: number;
    kept: number;
    addressable: boolean;
}

export interface TrialOptions {
    machine: Machine;
    model: Model;
    data: SampleSet;
    weights: TensorFile;
    source: string;
    tensors: readonly Tensor[];
    method: MethodName;
    settings: object;
    granularity?: string;
    seed: number;
    judges?: number;
    work?: number;
    part?: 'train' | 'test';
    bare?: boolean;
    masks?: PruningRequest['masks'];
    validation?: number;
    stratify?: boolean;
    nameOf?: NameOf;
}

export declare class Trials {
    #private;
    readonly effort: Effort;
    constructor(options: TrialOptions);
    get seed(): number;
    get judges(): number;
    prune(tensors: readonly Tensor[], sparsities: ReadonlyMap<string, number>, { afterwards, channels, progress }?: PruneTrial): Promise<{
        network: Network;
        result: PruneResult;
    }>;
    alone(tensors: readonly Tensor[], sparsities: Sparsities): AsyncGenerator<Alone>;
    pruneChannels(channels: ReadonlyMap<string, number>): Promise<Network>;
    dense(): Promise<Network>;
    fisherDiagonal(): Promise<Map<string, Floats>>;
    judge(network: Network, { thoroughly }?: {
        thoroughly?: boolean | undefined;
    }): Judged;
}

export interface TurnOptions {
    seconds?: number;
    onBlock?(share: number): void;
}

export interface Tying {
    sparsity: number;
    rescale?: boolean;
    granularity?: RunName;
}

export interface Unit {
    name: string;
    makers: readonly Tensor[];
    channels?: number;
    parts: readonly Tensor[];
    asked: readonly Asked[];
}

export interface UnitChoice {
    levels: Map<string, number>;
    loss: number;
    costs: NetworkCosts;
}

export interface UnitLevel extends Level {
    channels?: number;
}

export interface UnitLevels extends Unit {
    levels: readonly UnitLevel[];
}

export interface Untouched {
    key: string;
    shape: readonly number[];
    reason: string;
}

export type UpdateName = (typeof updateNames)[number];

export declare class UserError extends Error {
    name: string;
}

export interface WeightFigures {
    layers: LayerCount[];
    weights: number;
    nonzeros: number;
    multiplyAdds: MultiplyAdds;
}

export interface WeightsFile extends TensorFile {
    onnx?: OnnxModel;
}

export interface Written {
    onnx?: WrittenOnnx;
    tflite?: WrittenTflite;
}

export declare class Yardstick {
    #private;
    constructor(dense: Run, options?: TurnOptions);
    get dense(): number;
    measure(others: readonly Run[], onBlock?: (share: number) => void): Promise<{
        times: number[];
        factor: number;
    }>;
}

export declare function allocate(layers: readonly (readonly Option[])[], budgets: readonly number[]): Allocation;

export declare function balancing({ scaling, every }: {
    scaling: number;
    every: number;
}): Hook;

export declare function beforeAndAfter(networks: readonly [
    before: NetworkInFile,
    after: NetworkInFile
], options: FiguresOptions): Promise<BeforeAndAfter>;

export declare function checkRecipe(value: unknown, source: string): Recipe;

export declare function checkpointOf(network: Network, metadata: Record<string, string>): TensorFile;

export declare function chooseSparsities(options: ChooseOptions): Promise<Chosen>;

export declare function chooseTensors(model: Model, { prunable, include, exclude }?: TensorChoice, names?: ChoiceNames): Tensor[];

export declare function chooseUnits(options: ChooseUnitsOptions): Promise<ChosenUnits>;

export declare function collapsedLayers<Count extends LayerCount>(counts: readonly Count[]): Count[];

export declare function connectivityOf(model: Model, masks: Masks): Connectivity;

export declare function dryRun(given: Recipe, source?: string, onMissingData?: (sentence: string) => void): Promise<DryRun>;

export declare function effectiveSparsity({ layers }: Pick<Connectivity, 'layers'>): number;

export declare function erkDensities(layers: readonly Layer[], keep: number): number[];

export declare const espalierRuntime: (machine: Machine, batch: number) => Runtime;

export declare function findGranularity(name: string, model: Model): Granularity | undefined;

export declare function findModel(name: string, options?: ModelOptions): Model;

export declare const findNetwork: (name: string, options?: ModelOptions) => Model;

export declare function freezeActive(network: Network): void;

export declare function gapOf(network: Network, keep: number): {
    gap: Gap;
    masks: Float64Array[];
};

export declare function globalSparseMomentum(active: number): GradientRule;

export declare function gradualPruning({ schedule, before, after, event, ...options }: GradualOptions): Hook;

export declare const granularities: {
    readonly weight: "single weights";
    readonly 'N:M': "at most N of every M consecutive inputs of an output, such as 2:4";
    readonly 'N:M-channels': "the same of every M consecutive input channels, at each place of a kernel";
    readonly BxB: "tiles of B x B weights, such as 4x4";
    readonly block8: "the weights of 8 outputs that read the same input";
    readonly channel: "whole channels, with all that is tied to them";
    readonly row: "rows of the kernels of convolutions; of linear layers single weights";
    readonly kernel: "kernels of convolutions, one for each pair of channels; of linear layers single weights";
    readonly filter: "filters of convolutions, all that makes an output channel; of linear layers single weights";
    readonly 'fan-in': "single weights, equally many of every output of a layer";
};

export declare function groupLasso(coefficient: number): GradientRule;

export declare const isCollapsed: ({ collapsed, deadOutputs, outputs }: Connectivity) => boolean;

export declare function keepTop(network: Network, keep: number): PruneResult;

export declare const keptCount: Count;

export declare function learningRate(schedule: RateSchedule, step: number): number;

export declare function leastInTurns(runs: readonly Run[], { seconds, onBlock }?: TurnOptions): Promise<number[]>;

export declare function loadCheckpoint(network: Network, file: TensorFile, source: string): void;

export declare function loadDataset(nameOrFolder: string, options?: LoadOptions): Promise<Dataset>;

export declare function loadMasks(network: Network, file: TensorFile, source: string): void;

export declare function loadWeights(network: Network, file: TensorFile, source: string): void;

export declare function measureLatency(tensors: readonly TensorLevels[], options: LatencyOptions): Promise<Latency>;

export declare function measureLevels(trials: Trials, tensors: readonly Tensor[], { sparsities, store, progress }?: LevelOptions): Promise<TensorLevels[]>;

export declare const methods: {
    sparsegpt: import("./method.ts").Method;
    wanda: import("./method.ts").Method;
    ria: import("./method.ts").Method;
    alps: import("./method.ts").Method;
    obc: import("./method.ts").Method;
    snows: import("./method.ts").Method;
    obd: import("./method.ts").Method;
    woodfisher: import("./method.ts").Method;
    woodtaylor: import("./method.ts").Method;
    kfac: import("./method.ts").Method;
    'cbs-select': import("./method.ts").Method;
    'cbs-update': import("./method.ts").Method;
    cbs: import("./method.ts").Method;
    chita: import("./method.ts").Method;
    falcon: import("./method.ts").Method;
    force: import("./method.ts").Method;
    magnitude: import("./method.ts").Method;
    random: import("./method.ts").Method;
    "grad-norm": import("./method.ts").Method;
    snip: import("./method.ts").Method;
    "iter-snip": import("./method.ts").Method;
    grasp: import("./method.ts").Method;
    "grasp-ref": import("./method.ts").Method;
    "fisher-diagonal": import("./method.ts").Method;
    "fisher-pruner": import("./method.ts").Method;
    fts: import("./method.ts").Method;
    fbss: import("./method.ts").Method;
    "hutch-diag": import("./method.ts").Method;
    "hutch-pruning": import("./method.ts").Method;
    hts: import("./method.ts").Method;
    synflow: import("./method.ts").Method;
};

export declare const models: Record<string, ModelFamily>;

export declare function multiplyAddsOf(costs: Costs, layers: readonly LayerCount[]): MultiplyAdds;

export declare function namedAs<F extends TensorFile>(model: Model, file: F): Named<F>;

export declare const networkOfFile: (file: WeightsFile, source: string, name?: string) => Model;

export declare const once: (sparsity: number) => PruningEvent;

export declare const onnxRuntime: (batch: number, threads: number | undefined, purpose: string) => Runtime;

export declare function openMachine(options?: MachineOptions): Promise<Machine>;

export declare function overlapOf(name: string, a: ArrayLike<number>, b: ArrayLike<number>): Overlap;

export declare function packSparse({ tensors, metadata }: TensorFile): TensorFile;

export declare function parseFloor(text: string | number): Floor | undefined;

export declare function parseTorch(bytes: Uint8Array, source: string): TorchFile;

export declare function planTraining(model: Model, batch: number): TrainingPlan;

export declare const prunableSets: readonly [
    "all",
    "published",
    "reference"
];

export declare function prune(network: Network, options: PruneOptions, event?: number): PruneResult;

export declare function pruneBy(name: MethodName, options: PruneByOptions): Promise<{
    network: Network;
    result: PruneResult;
}>;

export declare function pruneInSequence(network: Network, method: SequentialMethod, options: SequentialOptions): LayerwiseResult;

export declare function pruneObc(network: Network, options: ObcOptions): LayerwiseResult;

export declare function pruneOnnx(weights: readonly StoredWeight[], removing: Removing): PrunedWeights;

export declare function pruneSecondOrder(network: Network, source: GradientSource, options: SecondOrderOptions): SecondOrderResult;

export declare function pruneSnows(network: Network, options: SnowsOptions): LayerwiseResult;

export declare const pruneSparseGpt: (network: Network, options: SequentialOptions) => LayerwiseResult;

export declare function pruneStored(file: TensorFile, { tensors: names, ...removing }: StoredPruning): PrunedFile;

export declare function pruningEvents(schedule: PruningSchedule): PruningEvent[];

export declare function quantizeOnnx({ file: given, reading }: {
    file: OnnxFile;
    reading: ImportOptions;
}, { machine, data, include, exclude, weights, activations, progress }: OnnxQuantization): QuantizedOnnx;

export declare function random(seed: number, ...name: readonly (string | number)[]): Random;

export declare function readCosts(path: string): CostTable;

export declare function readOnnx(bytes: Uint8Array, path: string, options?: ImportOptions, external?: External): OnnxWeights;

export declare function readRecipe(path: string, changes?: readonly string[]): Recipe;

export declare function readSafetensors(path: string): TensorFile;

export declare function readWeights(path: string, options?: ImportOptions, note?: (sentence: string) => unknown): Promise<WeightsFile>;

export declare const rewiringMethod: <Settings extends z.ZodObject>(method: RewiringMethod<Settings>) => Omit<RewiringMethod, "make"> & {
    make(settings: z.input<Settings> & {
        seed: number;
    }): Rewiring;
};

export declare const rewirings: {
    dsr: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            moves: number;
            tolerance?: number | undefined;
            threshold?: number | undefined;
            reallocate?: boolean | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            faithful?: boolean | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    set: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            newWeights?: "zero" | "drawn" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    'set-magnitude': Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            reallocate?: boolean | undefined;
            faithful?: boolean | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    deepr: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            temperature?: number | Record<string, number> | ((step: number) => number) | undefined;
            newWeights?: "zero" | "drawn" | undefined;
            eta?: number | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    rigl: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    snfs: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    granet: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
    srigl: Omit<RewiringMethod<import("zod").ZodObject<import("zod/v4/core").$ZodLooseShape, import("zod/v4/core").$strip>>, "make"> & {
        make(settings: {
            fraction?: number | undefined;
            growth?: "gradient" | "row" | undefined;
            salient?: number | undefined;
        } & {
            seed: number;
        }): import("./rewiring.ts").Rewiring;
    };
};

export declare const roundedModel: (model: Model) => Model;

export declare function runOf(model: SparseModel, batch: number): Run;

export declare function runRecipe(given: Recipe, options?: RunOptions): Promise<RunOutcome>;

export declare function runTicket(given: Recipe, options?: RunOptions): Promise<TicketOutcome>;

export declare const saliencies: {
    magnitude: Saliency<never>;
    random: Saliency<never>;
    'grad-norm': Saliency<"gradient">;
    snip: Saliency<"gradient">;
    'iter-snip': Saliency<"gradient">;
    force: Saliency<"gradient">;
    grasp: Saliency<"hessianGradient">;
    'grasp-ref': Saliency<"hessianGradientOfAll">;
    'fisher-diagonal': Saliency<"squares">;
    'fisher-pruner': Saliency<"squares">;
    fts: Saliency<"gradient" | "squares">;
    fbss: Saliency<"gradient" | "squares">;
    'hutch-diag': Saliency<"hessianDiagonal">;
    'hutch-pruning': Saliency<"hessianDiagonal">;
    hts: Saliency<"gradient" | "hessianDiagonal">;
    synflow: Saliency<"flow">;
};

export declare const scopes: {
    global: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => {
            layers: readonly Layer[];
            keep: number;
        }[];
    };
    layerwise: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => {
            layers: Layer[];
            keep: number;
        }[];
        channelShare: () => number;
    };
    uniform: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => Group[];
        channelShare: () => number;
    };
    erk: {
        summary: string;
        groups: (layers: readonly Layer[], sparsity: number, count?: Count | undefined) => Group[];
        channelShare: (shapes: readonly Shape[]) => number;
    };
};

export declare function search(options: SearchOptions): Promise<Choice>;

export declare function signIn(scaling: number): GradientRule;

export declare function smoothedGradients(beta: number): GradientRule;

export declare function sparsitiesOf(tensors: readonly Tensor[], sparsity: number, others: Readonly<Record<string, number>>, what: string): Map<string, number>;

export declare function sparsityOf(counts: readonly LayerCount[]): number;

export declare function storedSize(file: TensorFile, form: StoredForm): number;

export declare function storedWeights(file: OnnxFile): StoredWeights;

export declare function tied(tying: Tying): GradientRule;

export declare function timeAt(tensors: readonly TensorLevels[], levels: ReadonlyMap<string, number>, options: LatencyOptions): Promise<number>;

export declare function toFloats({ dtype, data }: StoredTensor): Float32Array;

export declare function totalOverlap(name: string, overlaps: readonly Overlap[]): Overlap;

export declare function train(network: Network, options: TrainOptions): Promise<number>;

export declare const truncatedCount: Count;

export declare function unitsOf(model: Model, tensors: readonly Tensor[], kind: Kind, multipleOf?: number): Unit[];

export declare function unpackSparse({ tensors, metadata }: TensorFile, file: string): TensorFile;

export declare function weightCosts(model: Model): Costs;

export declare function weightFigures(model: Model, { tensors }: Pick<TensorFile, 'tensors'>, names?: readonly string[]): WeightFigures;

export declare function weightsOf(network: Network, metadata?: Record<string, string>): TensorFile;

export declare function writeNetwork(path: string, stored: StoredNetwork, options?: OnnxOptions): Promise<Written>;

export declare function writeSafetensors(path: string, file: TensorFile): void;

export declare const yardstickOf: ({ machine, file, model, source, batch }: LatencyOptions) => Yardstick;

// Behind it.

export interface Agreement {
    inputs: number;
    outputs: {
        name: string;
        difference: number;
    }[];
    lacking: {
        output: string;
        reason: string;
    }[];
}

export interface Alone {
    tensor: Tensor;
    sparsity: number;
    network: Network;
}

export interface Amounts {
    multiplyAdd: number;
    value: number;
    weight: number;
    call: number;
}

export interface Arena {
    readonly size: number;
    view(offset: number, count: number): Floats;
    blank(offset: number, count: number): Floats;
    peek(offset: number, count: number): Floats;
    readonly floats: Floats;
    readonly doubles: Float64Array;
    bytes(offset: number, count: number): Uint8Array;
    run(program: Program): void;
}

export type Attribute = number | string | boolean | readonly number[];

export declare type AttributeProto = Message<"onnx.AttributeProto"> & {
    name: string;
    refAttrName: string;
    docString: string;
    type: AttributeProto_AttributeType;
    f: number;
    i: bigint;
    s: Uint8Array<ArrayBuffer>;
    t?: TensorProto;
    g?: GraphProto;
    sparseTensor?: SparseTensorProto;
    tp?: TypeProto;
    floats: number[];
    ints: bigint[];
    strings: Uint8Array<ArrayBuffer>[];
    tensors: TensorProto[];
    graphs: GraphProto[];
    sparseTensors: SparseTensorProto[];
    typeProtos: TypeProto[];
};

export enum AttributeProto_AttributeType {
    UNDEFINED = 0,
    FLOAT = 1,
    INT = 2,
    STRING = 3,
    TENSOR = 4,
    GRAPH = 5,
    SPARSE_TENSOR = 11,
    TYPE_PROTO = 13,
    FLOATS = 6,
    INTS = 7,
    STRINGS = 8,
    TENSORS = 9,
    GRAPHS = 10,
    SPARSE_TENSORS = 12,
    TYPE_PROTOS = 14
}

export type Attributes = Readonly<Record<string, Attribute>>;

export interface Augmentation {
    pad: number;
    fill: 'zero' | 'reflect';
    flip: boolean;
    resizedCrop?: boolean;
}

export declare const BYTES_PER: {
    readonly F64: 8;
    readonly F32: 4;
    readonly F16: 2;
    readonly BF16: 2;
    readonly I64: 8;
    readonly I32: 4;
    readonly I16: 2;
    readonly I8: 1;
    readonly U8: 1;
    readonly BOOL: 1;
};

export type Bits = 4 | 8;

export interface Budget {
    scope: Scope;
    sparsity: number;
    count?: Count;
    floor?: Floor;
    multiplyAdds?: CostBudget;
    multipleOf?: number;
    channels?: ReadonlyMap<string, number>;
    select: Select;
}

export interface Builder {
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
}

export interface ChoiceNames {
    include: string;
    exclude: string;
}

export interface CompactLayer {
    name: string;
    outputs: {
        before: number;
        after: number;
    };
    inputs: {
        before: number;
        after: number;
    };
    stay: Partial<Record<Reason, number>>;
}

export interface Compacted {
    onnx: OnnxFile;
    reading: ImportOptions;
    bytes: number;
    multiplyAdds: number;
}

export interface Cost extends Amounts {
    error?: number;
}

export interface CostBudget {
    costs: Costs;
    most: number;
}

export interface CostsUsed {
    name: string;
    digest: string;
}

export type DType = keyof typeof BYTES_PER;

export interface DataProgress {
    what: string;
    unit: 'images' | 'bytes';
    done: number;
    total: number;
    perSecond: number;
    secondsLeft: number;
}

export interface DecodeOptions {
    skipCorrupt?: boolean;
    onProgress?: OnProgress;
}

export declare type DeviceConfigurationProto = Message<"onnx.DeviceConfigurationProto"> & {
    name: string;
    numDevices: number;
    device: string[];
};

export interface Effort {
    sparsities: readonly number[];
    judges: number;
    tries: number;
}

export interface EpochReport extends Omit<EpochResult, 'outputs'> {
    type: 'epoch';
    sparsity: number;
    validationLoss?: number;
    validationAccuracy?: number;
    validationTop5?: number;
    validationPrecision?: number;
    validationRecall?: number;
    validationF1?: number;
    trainSet?: Evaluation;
    testSet?: Evaluation;
    metric?: 'f1';
    best?: boolean;
    gap?: Gap;
    prunedAccuracy?: number;
    prunedF1?: number;
    reactivated?: number;
    overlap?: number;
}

export interface EpochSums {
    loss: number;
    correct: number;
    samples: number;
    outputs?: Record<string, number>;
}

export declare class Executable {
    #private;
    readonly machine: Machine;
    readonly memory: MemoryUse;
    ran: number;
    constructor(machine: Machine, layout: Layout);
    run(program: string): void;
    static runApart(program: string, executables: readonly Executable[]): void;
    execute(instructions: readonly Instruction[]): void;
    profile(program: string, rounds?: number): Profiled[];
    view(name: string): Floats;
    peek(name: string): Floats;
    blank(name: string): Floats;
    bytes(name: string): Uint8Array;
    offset(name: string): number;
    has(name: string): boolean;
    runs(program: string): boolean;
    copyFrom(other: Executable): void;
    integers(name: string): Int32Array;
    write(program: string, input: string, values: ArrayLike<number>): void;
    read(program: string, output: string): Floats;
    raw(program: string, output: string): Floats;
    writeRaw(program: string, name: string, values: ArrayLike<number>): void;
    scalar(program: string, output: string): number;
}

export interface Extent {
    offset: number;
    length: number;
}

export type External = (location: string, offset: number, length: number) => Uint8Array;

export interface Fan {
    readonly in: number;
    readonly out: number;
}

export type Fit = (typeof fits)[number];

export type Floats = Float32Array | Float64Array;

type Floats = Float32Array | Float64Array;

export type Forms = Record<'dense' | 'sparse' | 'float16', Size>;

export type Forward = (batch: number, training?: boolean) => ForwardPass;

export interface ForwardPass {
    graph: Graph;
    labels?: Tensor;
    parts?: Tensor[];
    logits: Tensor;
    losses: Tensor;
    loss: Tensor;
    sampled(): Tensor;
}

export declare type FunctionProto = Message<"onnx.FunctionProto"> & {
    name: string;
    input: string[];
    output: string[];
    attribute: string[];
    attributeProto: AttributeProto[];
    node: NodeProto[];
    docString: string;
    opsetImport: OperatorSetIdProto[];
    domain: string;
    overload: string;
    valueInfo: ValueInfoProto[];
    metadataProps: StringStringEntryProto[];
};

export interface Gap {
    keep: number;
    kept: number;
    removed: number;
    vanished: number;
}

export interface Geometry {
    plane?: readonly [
        number,
        number
    ];
    fit?: Fit;
    size?: number;
    crop?: number;
}

export interface GradientColumns {
    readonly name: string;
    readonly size: number;
    readonly samples: number;
    column(weight: number, into: Vector): void;
    correlate(v: Float64Array, sums: Float64Array): void;
    squares(sums: Float64Array): void;
    combine(x: ArrayLike<number>, v: Float64Array): void;
}

export interface GradientRequest {
    tensors: readonly string[];
    indices: Uint32Array;
    miniBatch: number;
}

export interface Gradients {
    space: Workspace;
    samples: number;
    parts: readonly Part[];
    tensors: GramColumns[];
    cached?: {
        key: string;
        cache: GradientCache;
    };
}

export interface GramColumns extends GradientColumns {
    addGram(k: Matrix): void;
    readonly factors?: {
        readonly left: SampleRows;
        readonly right: SampleRows;
    };
    readonly quadraticForms?: QuadraticForms;
    subset(weights: Int32Array, name?: string): GramColumns;
}

export interface Granularity {
    summary: string;
    write(layers: readonly MaskedLayer[], budget: Budget): void;
}

export declare class Graph implements Builder {
    #private;
    readonly nodes: Node[];
    readonly tensors: Map<string, Tensor>;
    readonly outputs: Map<string, Tensor>;
    constructor(from?: Graph);
    clone(): Graph;
    input(name: string, shape: Shape, { batched }?: {
        batched?: boolean | undefined;
    }): Tensor;
    parameter(name: string, shape: Shape, initial?: Initial, steps?: ArrayLike<number>): Tensor;
    buffer(name: string, shape: Shape, initial: number): Tensor;
    state(name: string, shape: Shape, { bytes, saved, beside }?: StateOptions): Tensor;
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
    constantBytes({ buffer, byteOffset, byteLength }: ArrayBufferView, packs?: string): Tensor;
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    output(name: string, tensor: Tensor): void;
    withRole(role: Role): Tensor[];
    stored(): Tensor[];
}

export declare type GraphProto = Message<"onnx.GraphProto"> & {
    node: NodeProto[];
    name: string;
    initializer: TensorProto[];
    sparseInitializer: SparseTensorProto[];
    docString: string;
    input: ValueInfoProto[];
    output: ValueInfoProto[];
    valueInfo: ValueInfoProto[];
    quantizationAnnotation: TensorAnnotation[];
    metadataProps: StringStringEntryProto[];
};

export interface GridOptions {
    bits?: Bits;
    symmetric?: boolean;
    scales?: ScaleRule;
    block?: number;
}

export interface Group {
    layers: readonly Layer[];
    keep: number;
}

interface HeldWeights {
    isSparse(name: string): boolean;
    capacity(name: string): number;
}

export declare class HiddenWeights {
    #private;
    constructor(options: SgdOptions, initial: (name: string) => ArrayLike<number>);
    begin(names: Iterable<string>): void;
    step(network: Network, rate: number): void;
    event(name: string, before: Nonzeros, pruned: ArrayLike<number>, after: Nonzeros, grown: Int32Array, draw?: () => number): void;
    save(): [
        string,
        StoredTensor
    ][];
    restore(name: string, { tensors }: TensorFile): void;
}

export interface ImportOptions {
    plane?: readonly [
        number,
        number
    ];
    layout?: 'NCHW' | 'NHWC';
    sizes?: Readonly<Record<string, number>>;
    output?: string;
    given?: Readonly<Record<string, number>>;
}

export interface Indices {
    train: Uint32Array;
    validation: Uint32Array;
}

export interface InferenceOptions {
    kernels?: Kernels;
    costs?: CostTable;
    model?: string;
    source?: string;
}

export type Initial = Fan | number;

export interface Instruction {
    readonly kernel: Kernel;
    readonly args: readonly number[];
}

export type InstructionSet = 'avx512' | 'avx2' | 'baseline' | 'neon' | 'wasm' | 'webgpu' | 'float64';

export declare type IntIntListEntryProto = Message<"onnx.IntIntListEntryProto"> & {
    key: bigint;
    value: bigint[];
};

export interface KeptLevels {
    read(name: string, sparsity: number): Level | undefined;
    write(name: string, level: Level): void;
}

export interface Kernel<P extends string = string> {
    readonly name: string;
    readonly parameters: readonly P[];
    readonly list?: boolean;
    readonly bits?: boolean;
    extents(args: Readonly<Record<P, number>>, list: readonly number[]): Extent[];
    room?(args: Readonly<Record<P, number>>): void;
    reference(args: Readonly<Record<P, number>>, memory: ReferenceMemory, list: readonly number[]): void;
}

export interface KernelChoice {
    kind: Kernels;
    costs: CostTable;
    pass: Pass;
}

export interface KindCosts {
    dense: Cost;
    sparse: Cost;
}

export interface LabelledSet extends SampleSet {
    classes: number;
    train: Samples & {
        labels: Labels;
    };
    test: Samples & {
        labels: Labels;
    };
}

export type Labels = Uint8Array | Uint16Array;

export interface Layer {
    name: string;
    shape: Shape;
    left?: number;
}

export declare class LayerKernels {
    #private;
    readonly kind: Kernels;
    readonly costs: CostTable;
    constructor({ kind, costs, pass }: KernelChoice, graphs: Readonly<Record<string, Graph>>, prunable: readonly Tensor[]);
    choose(left: (name: string) => number, held: HeldWeights): Map<string, number>;
    gains(left: (name: string) => number): LayerGain[];
}

export type LayerKind = (typeof layerKinds)[number];

export interface LayerMatrix {
    name: string;
    shape: Shape;
    rows: number;
    columns: number;
    groups: number;
    transposed: boolean;
    taps?: number;
}

export interface LayerProblem {
    name: string;
    rows: number;
    columns: number;
    weights: Float64Array;
    hessian: Float64Array;
    damping?: number;
    unit?: number;
    dead?: readonly number[];
}

export interface LayerSolution {
    weights: Float64Array;
    mask: Float64Array;
}

export interface Layout {
    programs: Map<string, {
        graph: Graph;
        instructions: Instruction[];
    }>;
    shared: Map<string, Placed>;
    own: Map<string, Placed>;
    constants: Placed[];
    memory: MemoryUse;
}

export interface LoadOptions extends Geometry, DecodeOptions {
    normalization?: string;
    photographs?: 'beside' | 'only';
    usual?: Geometry;
    channels?: number;
    gray?: boolean;
}

export interface LocalSearchOptions {
    epsilon?: number;
    rho?: number;
    tau?: number;
    passes?: number;
    patience?: number;
    faithful?: boolean;
    within?: boolean;
    onPass?(pass: SearchPass, swaps: readonly Swap[]): void;
}

export interface MacroMeasures {
    precision: number;
    recall: number;
    f1: number;
}

export interface MaskOptions {
    scope?: ScopeName | Scope;
    sparsity: number;
    granularity?: string;
    multipleOf?: number;
    channels?: ReadonlyMap<string, number>;
    count?: Count;
    floor?: Floor;
    flops?: number;
    onCollapse?: OnCollapse;
}

export interface MaskedLayer extends Layer {
    scores: Floats;
    mask: Floats;
}

export type MaskedStep = (graph: Graph, step: Required<ParameterStep>) => void;

export type Masks = ReadonlyMap<string, ArrayLike<number>>;

export interface Matrix {
    readonly rows: number;
    readonly cols: number;
    readonly offset: number;
    readonly row: number;
}

export interface Matrix {
    rows: number;
    columns: number;
    weights: ArrayLike<number>;
}

export type MeasuringKey = Exclude<keyof ScoringSettings, 'reconstruct' | 'refreshBatchNorm' | 'polish'>;

export interface MemoryUse {
    persistent: number;
    temporary: number;
}

export type Message<TypeName extends string = string> = {
    readonly $typeName: TypeName;
    $unknown?: UnknownField[] | undefined;
};

export declare type ModelProto = Message<"onnx.ModelProto"> & {
    irVersion: bigint;
    opsetImport: OperatorSetIdProto[];
    producerName: string;
    producerVersion: string;
    domain: string;
    modelVersion: bigint;
    docString: string;
    graph?: GraphProto;
    metadataProps: StringStringEntryProto[];
    trainingInfo: TrainingInfoProto[];
    functions: FunctionProto[];
    configuration: DeviceConfigurationProto[];
};

export type NameOf = (setting: string) => string;

export interface Node {
    readonly operator: Operator;
    readonly inputs: readonly Tensor[];
    readonly outputs: readonly Tensor[];
    readonly attributes: Attributes;
}

export declare type NodeDeviceConfigurationProto = Message<"onnx.NodeDeviceConfigurationProto"> & {
    configurationId: string;
    shardingSpec: ShardingSpecProto[];
    pipelineStage: number;
};

export declare type NodeProto = Message<"onnx.NodeProto"> & {
    input: string[];
    output: string[];
    name: string;
    opType: string;
    domain: string;
    overload: string;
    attribute: AttributeProto[];
    docString: string;
    metadataProps: StringStringEntryProto[];
    deviceConfigurations: NodeDeviceConfigurationProto[];
};

export interface Nonzeros {
    positions: Int32Array;
    values: Float64Array;
    momentum: Float64Array;
    further?: ReadonlyMap<string, Float64Array>;
}

export type OnProgress = (progress: DataProgress) => void;

export interface OnnxFile {
    path: string;
    proto: ModelProto;
    graph: GraphProto;
    opset: number;
    batch?: number;
    external: External;
    stored: ReadonlyMap<string, () => StoredTensor>;
    metadata: Record<string, string>;
}

export interface OnnxNetwork {
    model: Model;
    tensors: Map<string, StoredTensor>;
    origins: ReadonlyMap<string, Origin>;
}

export interface OnnxWeights extends TensorFile {
    onnx: OnnxModel;
}

export interface Operand {
    lines: number;
    depth: number;
    offset: number;
    strides: readonly [
        number,
        number
    ];
    double: boolean;
}

export interface Operator {
    readonly name: string;
    infer(inputs: readonly Tensor[], attributes: Attributes): TensorType[];
    gradient?(graph: Builder, node: Node, outputGradients: readonly (Tensor | undefined)[]): (Tensor | undefined)[];
    decompose?(graph: Builder, node: Node): Tensor[];
    readonly weight?: number;
    readonly writes?: readonly number[];
    fold?(values: readonly number[]): number;
}

export declare type OperatorSetIdProto = Message<"onnx.OperatorSetIdProto"> & {
    domain: string;
    version: bigint;
};

export interface Origin {
    mean: string;
    std: string;
}

export interface Origin {
    source?: Pick<Source, 'key' | 'transposed'>;
    roots: Source['root'][];
    reads: Read[];
    type: DType;
    values: () => ArrayLike<number>;
}

export interface ParameterStep {
    parameter: Tensor;
    gradient: Tensor;
    momentum: Tensor;
    hyper: Tensor;
    mask?: Tensor;
}

export interface Part {
    readonly tensor: number;
    readonly first: number;
    readonly size: number;
}

export type Pass = (typeof passes)[number];

export interface PersistentMemory {
    parameters: number;
    buffers: number;
    optimizer: number;
    pruning: number;
    data: number;
    other: number;
}

export type Phase = 'gradients' | 'inverse' | 'search' | 'update';

export interface PhaseResult {
    name: string;
    result: RunResult;
    dead: {
        outputs: number;
        inputs: number;
    }[];
}

export interface Pixels {
    height: number;
    width: number;
    channels: number;
    data: Uint8Array;
}

export interface Placed {
    tensor: Tensor;
    offset: number;
}

export interface Polished {
    rounds: number;
    gradients: number;
    respent: number;
    before: number;
    after: number;
    seconds: number;
}

export interface Profiled {
    kernel: string;
    milliseconds: number;
    instruction: Instruction;
    parameters: string[];
}

export declare class Program {
    readonly instructions: readonly Instruction[];
    readonly arenaSize: number;
    private constructor();
    static assemble(instructions: readonly Instruction[], arenaSize: number, anySize?: boolean): Program;
    encode(kernelNumbers: ReadonlyMap<string, number>): Int32Array;
}

export type Programs = NonNullable<NetworkOptions['programs']>;

export interface Progress {
    step: number;
    steps: number;
    epoch: number;
    epochs: number;
    loss: number;
    accuracy: number;
    samplesPerSecond: number;
    secondsLeft: number;
}

export interface PruneReport {
    type: 'prune';
    step: number;
    target: number;
    sparsity: number;
    layers?: LayerCount[];
    effectiveSparsity: number;
    collapsed: string[];
    deadOutputs: number;
    outputs: number;
    multiplyAdds?: MultiplyAdds;
    floor?: string;
    gap?: Gap;
    statistics?: RefreshedStatistics;
    polished?: Polished;
    gradients?: number;
}

export interface PruneTrial extends TrialPlan {
    progress?: PruningProgress;
}

export type PruningProgress = (phase: string, text: string, share?: number) => void;

export interface QuadraticForms {
    readonly cost: number;
    compute(s: Matrix, forms: Float64Array, progress?: (done: number) => void): void;
}

export interface Quantized {
    layers: QuantizedLayer[];
    left: {
        name: string;
        reason: string;
    }[];
    assemble(names?: ReadonlySet<string>): Assembled;
}

export interface QuantizedLayer {
    name: string;
    matrix: LayerMatrix;
    grids: WeightGrid[];
    codes: Int8Array;
    values: Float32Array;
    error: number;
}

export interface RangeOptions {
    rule?: RangeRule;
    percentile?: number;
}

export type RangeRule = (typeof rangeRules)[number];

export interface Read {
    slot: Slot;
    transposed: boolean;
    shape: Shape;
}

export type Reason = keyof typeof reasons;

export interface Reconstructed {
    images: number;
    layers: {
        name: string;
        before: number;
        after: number;
    }[];
    before: number;
    after: number;
    taken: boolean;
    seconds: number;
}

export interface ReferenceMemory {
    floats: Float64Array | Float32Array;
    doubles: Float64Array;
    bytes: Uint8Array;
}

export type Refresh = 'auto' | 'none' | number;

export type Remembered = ReadonlyMap<string, Floats>;

export interface Removing {
    method: StoredMethod;
    sparsity: number;
    scope: ScopeName;
    seed: number;
}

export type Role = 'input' | 'parameter' | 'buffer' | 'state' | 'constant' | 'value';

export type Rounding = (typeof roundings)[number];

export interface Rounds {
    count: number;
    returning: boolean;
}

export interface RowPart {
    name: string;
    shape: readonly number[];
    whole?: boolean;
    range?: ValueRange;
    layout?: 'NHWC';
    softmax?: boolean;
}

export interface Ruled {
    readonly prunable: readonly Tensor[];
    readonly executable: Executable;
}

export interface Run {
    arena: Arena;
    program: Program;
}

export declare class SampleRows {
    #private;
    readonly count: number;
    readonly samples: number;
    readonly values: Float32Array;
    constructor(space: Workspace, count: number, samples: number);
    get lines(): Operand;
    row(p: number): Float32Array;
    put(first: number, count: number, values: Float32Array): void;
    support(p: number): Int32Array;
    firstEqual(rows: Iterable<number>): Map<number, number>;
}

export type ScaleRule = (typeof scaleRules)[number];

export type ScheduleKind = (typeof scheduleKinds)[number];

export type ScoringSettings = z.output<typeof scoringSettings>;

export interface ScoringTime {
    seed: number;
    event: number;
    round: number;
}

export interface SearchPass {
    pass: number;
    swaps: number;
    rows: number;
    tests: number;
    objective: number;
    loss: number;
    seconds: number;
}

export type Section = 'scoring' | 'secondOrder' | 'layerwise';

export type Select = (layers: readonly MaskedLayer[], keep: number) => void;

export type Shape = readonly number[];

export declare type ShardedDimProto = Message<"onnx.ShardedDimProto"> & {
    axis: bigint;
    simpleSharding: SimpleShardedDimProto[];
};

export declare type ShardingSpecProto = Message<"onnx.ShardingSpecProto"> & {
    tensorName: string;
    device: bigint[];
    indexToDeviceGroupMap: IntIntListEntryProto[];
    shardedDim: ShardedDimProto[];
};

export declare type SimpleShardedDimProto = Message<"onnx.SimpleShardedDimProto"> & {
    dim: {
        value: bigint;
        case: "dimValue";
    } | {
        value: string;
        case: "dimParam";
    } | {
        case: undefined;
        value?: undefined;
    };
    numShards: bigint;
};

export interface Size {
    bytes: number;
    brotli: number;
}

export interface SizeOptions {
    form: StoredForm;
    zeros?: boolean;
    compress?(data: Uint8Array): number | Promise<number>;
}

export interface Slot {
    node: NodeProto;
    input: number;
}

export interface Source {
    key: string;
    transposed: boolean;
    root: Slot;
}

export declare type SparseTensorProto = Message<"onnx.SparseTensorProto"> & {
    values?: TensorProto;
    indices?: TensorProto;
    dims: bigint[];
};

export type Sparsities = ReadonlyMap<string, readonly number[]>;

export type StateOptions = Pick<Tensor, 'bytes' | 'saved' | 'beside'>;

export interface StepResult {
    loss: number;
    correct: number;
    outputs: Record<string, number>;
}

export interface StepTime {
    seed: number;
    epoch: number;
    step: number;
}

export type StoredMethod = keyof typeof storedMethods;

export declare type StringStringEntryProto = Message<"onnx.StringStringEntryProto"> & {
    key: string;
    value: string;
};

export interface Swap {
    back: number;
    gone: number;
    change: number;
}

export type Target = {
    keep: number;
} | {
    pattern: Pattern;
};

export interface Tensor {
    readonly name: string;
    readonly shape: Shape;
    readonly role: Role;
    readonly batched: boolean;
    readonly values?: number | ArrayLike<number>;
    readonly packs?: string;
    readonly initial?: Initial;
    readonly steps?: ArrayLike<number>;
    readonly bytes?: boolean;
    readonly saved?: 'floats' | 'bits' | 'permutation';
    readonly beside?: string;
}

export declare type TensorAnnotation = Message<"onnx.TensorAnnotation"> & {
    tensorName: string;
    quantParameterTensorNames: StringStringEntryProto[];
};

export declare type TensorProto = Message<"onnx.TensorProto"> & {
    dims: bigint[];
    dataType: number;
    segment?: TensorProto_Segment;
    floatData: number[];
    int32Data: number[];
    stringData: Uint8Array<ArrayBuffer>[];
    int64Data: bigint[];
    name: string;
    docString: string;
    rawData: Uint8Array<ArrayBuffer>;
    externalData: StringStringEntryProto[];
    dataLocation: TensorProto_DataLocation;
    doubleData: number[];
    uint64Data: bigint[];
    metadataProps: StringStringEntryProto[];
};

export enum TensorProto_DataLocation {
    DEFAULT = 0,
    EXTERNAL = 1
}

export declare type TensorProto_Segment = Message<"onnx.TensorProto.Segment"> & {
    begin: bigint;
    end: bigint;
};

export declare type TensorShapeProto = Message<"onnx.TensorShapeProto"> & {
    dim: TensorShapeProto_Dimension[];
};

export declare type TensorShapeProto_Dimension = Message<"onnx.TensorShapeProto.Dimension"> & {
    value: {
        value: bigint;
        case: "dimValue";
    } | {
        value: string;
        case: "dimParam";
    } | {
        case: undefined;
        value?: undefined;
    };
    denotation: string;
};

export interface TensorType {
    readonly shape: Shape;
    readonly batched: boolean;
    readonly bytes?: boolean;
}

export interface TorchFile extends TensorFile {
    notes: string[];
}

export declare type TrainingInfoProto = Message<"onnx.TrainingInfoProto"> & {
    initialization?: GraphProto;
    algorithm?: GraphProto;
    initializationBinding: StringStringEntryProto[];
    updateBinding: StringStringEntryProto[];
};

export interface TrialPlan {
    afterwards?: boolean;
    channels?: ReadonlyMap<string, number>;
}

export declare type TypeProto = Message<"onnx.TypeProto"> & {
    value: {
        value: TypeProto_Tensor;
        case: "tensorType";
    } | {
        value: TypeProto_Sequence;
        case: "sequenceType";
    } | {
        value: TypeProto_Map;
        case: "mapType";
    } | {
        value: TypeProto_Optional;
        case: "optionalType";
    } | {
        value: TypeProto_SparseTensor;
        case: "sparseTensorType";
    } | {
        case: undefined;
        value?: undefined;
    };
    denotation: string;
};

export declare type TypeProto_Map = Message<"onnx.TypeProto.Map"> & {
    keyType: number;
    valueType?: TypeProto;
};

export declare type TypeProto_Optional = Message<"onnx.TypeProto.Optional"> & {
    elemType?: TypeProto;
};

export declare type TypeProto_Sequence = Message<"onnx.TypeProto.Sequence"> & {
    elemType?: TypeProto;
};

export declare type TypeProto_SparseTensor = Message<"onnx.TypeProto.SparseTensor"> & {
    elemType: number;
    shape?: TensorShapeProto;
};

export declare type TypeProto_Tensor = Message<"onnx.TypeProto.Tensor"> & {
    elemType: number;
    shape?: TensorShapeProto;
};

export type UnknownField = {
    readonly no: number;
    readonly wireType: WireType;
    readonly data: Uint8Array;
};

export declare class Unsupported extends UserError {
    name: string;
    output?: string;
}

export declare type ValueInfoProto = Message<"onnx.ValueInfoProto"> & {
    name: string;
    type?: TypeProto;
    docString: string;
    metadataProps: StringStringEntryProto[];
};

export interface ValueRange {
    least: number;
    most: number;
    why: string;
}

export type ValueType = (typeof valueTypes)[number];

export type Vector = Float32Array | Float64Array;

export interface Weighed {
    magnitudes: Float32Array | Float64Array;
    zeros: number | Float64Array;
}

export declare class WeightGrid {
    #private;
    readonly bits: Bits;
    readonly limits: readonly [
        number,
        number
    ];
    readonly rows: number;
    readonly columns: number;
    readonly block: number;
    readonly blocks: number;
    readonly scales: Float32Array;
    readonly zeros: Int8Array;
    constructor({ rows, columns, weights }: Matrix, options?: GridOptions, importance?: ArrayLike<number>);
    code(row: number, column: number, weight: number): number;
    value(row: number, column: number, code: number): number;
}

export interface WeightOptions extends GridOptions {
    rounding?: Rounding;
    samples?: number;
    damp?: number;
    seed?: number;
    progress?(layer: string, done: number, total: number): void;
}

export declare class Weights {
    #private;
    constructor(machine: Machine, graphs: Readonly<Record<string, Graph>>, all: Readonly<Record<string, Graph>>, prunable: readonly Tensor[]);
    get executable(): Executable;
    isSparse(name: string): boolean;
    capacity(name: string): number;
    view(name: string, state?: string): Floats;
    whole(name: string, state?: string): Floats;
    count(name: string): number;
    nonzeros(name: string): Nonzeros;
    setNonzeros(name: string, nonzeros: Nonzeros): void;
    setAllNonzeros(changes: ReadonlyMap<string, Nonzeros>): void;
    rewire(name: string, positions: Int32Array): void;
    applyMasks(): void;
    hold(nonzeros: ReadonlyMap<string, number>): void;
}

export declare enum WireType {
    Varint = 0,
    Bit64 = 1,
    LengthDelimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Bit32 = 5
}

export declare class Workspace {
    #private;
    readonly arena: Arena;
    constructor(machine: Machine, floats: number);
    scoped<T>(use: () => T): T;
    take(count: number): number;
    matrix(rows: number, cols: number): Matrix;
    floats(offset: number, count: number): Float32Array;
    values({ rows, cols, offset, row }: Matrix): Float64Array;
    row({ rows, cols, offset, row }: Matrix, i: number): Float64Array;
    run(instructions: readonly Instruction[]): void;
}

export interface WrittenOnnx {
    file: OnnxFile;
    bytes: number;
    data?: string;
    forms?: Forms;
    compact?: CompactReport;
    folded?: {
        folded: number;
        stay: string[];
    };
    notes: string[];
    floats: {
        size: number;
        zeros: number;
    };
    agreement?: Agreement;
    unchecked?: string;
}

export interface WrittenTflite {
    bytes: number;
    operators: Readonly<Record<string, number>>;
    inputs: Readonly<Record<string, readonly number[]>>;
    outputs: Readonly<Record<string, readonly number[]>>;
    values: {
        size: number;
        zeros: number;
    };
    encoded: {
        tensors: number;
        bytes: number;
        skipped: boolean;
    };
    notes: string[];
}

export declare function alps(problem: LayerProblem, target: Target, machine: Machine): LayerSolution;

declare const axes: {
    readonly weight: 4;
    readonly row: 3;
    readonly kernel: 2;
    readonly filter: 1;
};

export declare const batchNormModes: {
    readonly eval: "the running statistics; at initialization mean 0 and variance 1, so that nothing is normalized";
    readonly refreshed: "the statistics of all scoring samples; the running ones come back afterwards";
    readonly train: "the statistics of the mini-batch, and dropout, as in training; mini-batches of at least 2 samples";
};

export declare const fits: readonly [
    "crop",
    "letterbox",
    "stretch"
];

export declare function gradientKey(network: Network, { tensors, indices, miniBatch }: GradientRequest): string;

export declare const initializers: {
    readonly uniform: (_tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'xavier-uniform': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'xavier-normal': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'he-normal': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
    readonly 'he-normal-out': (tensor: Tensor, fan: Fan, draw: Random) => () => number;
};

export declare const kernelKinds: readonly [
    "auto",
    "dense",
    "sparse"
];

export declare const kinds: readonly [
    "channel",
    "auto"
];

export declare const layerKinds: readonly [
    "winograd",
    "direct",
    "strided",
    "product",
    "linear",
    "fewDirect",
    "fewStrided",
    "fewProduct",
    "fewLinear"
];

export declare const onCollapseKinds: readonly [
    "warn",
    "floor",
    "error"
];

export declare const passes: readonly [
    "forward",
    "step"
];

export declare const rangeRules: readonly [
    "min-max",
    "percentile",
    "mse"
];

export declare const reasons: {
    readonly output: "outputs of the network";
    readonly input: "tied to the images";
    readonly shared: "of layers that share their weights";
    readonly mixed: "part of an operator that is not known to keep channels apart";
    readonly grouped: "in a group of a convolution with a channel that varies";
    readonly tied: "tied to a channel that varies";
    readonly padded: "not zero, and read by a convolution with padding";
    readonly fixed: "fixed by an operator of the file that cannot change";
    readonly multiple: "kept for the multiple that was asked for";
    readonly last: "the last of their layer";
};

export declare const recipeSchema: z.ZodObject<{
    name: z.ZodString;
    summary: z.ZodDefault<z.ZodString>;
    about: z.ZodOptional<z.ZodObject<{
        paper: z.ZodOptional<z.ZodString>;
        table: z.ZodOptional<z.ZodString>;
        expect: z.ZodOptional<z.ZodString>;
        cost: z.ZodOptional<z.ZodString>;
        minutes: z.ZodOptional<z.ZodNumber>;
        published: z.ZodDefault<z.ZodArray<z.ZodObject<{
            value: z.ZodNumber;
            deviation: z.ZodOptional<z.ZodNumber>;
            where: z.ZodDefault<z.ZodRecord<z.ZodString, z.ZodUnion<readonly [
                z.ZodString,
                z.ZodNumber,
                z.ZodBoolean
            ]>>>;
            source: z.ZodOptional<z.ZodString>;
        }, z.core.$strict>>>;
    }, z.core.$strict>>;
    seed: z.ZodDefault<z.ZodInt>;
    model: z.ZodObject<{
        name: z.ZodString;
        init: z.ZodOptional<z.ZodType<"uniform" | "xavier-uniform" | "xavier-normal" | "he-normal" | "he-normal-out", "uniform" | "xavier-uniform" | "xavier-normal" | "he-normal" | "he-normal-out", z.core.$ZodTypeInternals<"uniform" | "xavier-uniform" | "xavier-normal" | "he-normal" | "he-normal-out", "uniform" | "xavier-uniform" | "xavier-normal" | "he-normal" | "he-normal-out">>>;
        masks: z.ZodOptional<z.ZodString>;
        classes: z.ZodOptional<z.ZodInt>;
        weights: z.ZodOptional<z.ZodString>;
        widen: z.ZodOptional<z.ZodNumber>;
    }, z.core.$strict>;
    data: z.ZodObject<{
        name: z.ZodString;
        normalization: z.ZodOptional<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        mean: z.ZodOptional<z.ZodType<number[] | "data", number[] | "data", z.core.$ZodTypeInternals<number[] | "data", number[] | "data">>>;
        std: z.ZodOptional<z.ZodType<number[] | "data", number[] | "data", z.core.$ZodTypeInternals<number[] | "data", number[] | "data">>>;
        size: z.ZodOptional<z.ZodType<string | number, string | number, z.core.$ZodTypeInternals<string | number, string | number>>>;
        fit: z.ZodOptional<z.ZodEnum<{
            crop: "crop";
            letterbox: "letterbox";
            stretch: "stretch";
        }>>;
        crop: z.ZodOptional<z.ZodInt>;
        skipCorrupt: z.ZodOptional<z.ZodBoolean>;
        augment: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        validation: z.ZodDefault<z.ZodInt>;
        stratify: z.ZodDefault<z.ZodBoolean>;
    }, z.core.$strict>;
    train: z.ZodObject<{
        epochs: z.ZodInt;
        batch: z.ZodDefault<z.ZodInt>;
        learningRate: z.ZodType<number | Readonly<Record<string, number>>, number | Readonly<Record<string, number>>, z.core.$ZodTypeInternals<number | Readonly<Record<string, number>>, number | Readonly<Record<string, number>>>>;
        momentum: z.ZodDefault<z.ZodNumber>;
        nesterov: z.ZodDefault<z.ZodBoolean>;
        weightDecay: z.ZodDefault<z.ZodNumber>;
        biasDecay: z.ZodOptional<z.ZodNumber>;
        l1: z.ZodDefault<z.ZodNumber>;
        groupLasso: z.ZodOptional<z.ZodNumber>;
        gsm: z.ZodOptional<z.ZodObject<{
            ratio: z.ZodNumber;
            freeze: z.ZodOptional<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        }, z.core.$strict>>;
        signIn: z.ZodOptional<z.ZodObject<{
            scaling: z.ZodDefault<z.ZodNumber>;
            every: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        }, z.core.$strict>>;
        quantize: z.ZodOptional<z.ZodEnum<{
            int8: "int8";
        }>>;
        schedule: z.ZodDefault<z.ZodEnum<{
            constant: "constant";
            steps: "steps";
            cosine: "cosine";
        }>>;
        warmup: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        drops: z.ZodDefault<z.ZodArray<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>>;
        factor: z.ZodDefault<z.ZodNumber>;
        start: z.ZodOptional<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        keep: z.ZodOptional<z.ZodEnum<{
            best: "best";
            last: "last";
        }>>;
        snapshot: z.ZodOptional<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        kernels: z.ZodDefault<z.ZodEnum<{
            dense: "dense";
            sparse: "sparse";
            auto: "auto";
        }>>;
        costs: z.ZodOptional<z.ZodString>;
    }, z.core.$strict>;
    validation: z.ZodOptional<z.ZodObject<{
        every: z.ZodOptional<z.ZodInt>;
        metric: z.ZodOptional<z.ZodEnum<{
            f1: "f1";
            accuracy: "accuracy";
        }>>;
        train: z.ZodOptional<z.ZodInt>;
        test: z.ZodOptional<z.ZodInt>;
    }, z.core.$strict>>;
    prune: z.ZodOptional<z.ZodObject<{
        secondOrder: z.ZodOptional<z.ZodObject<{
            samples: z.ZodOptional<z.ZodInt>;
            miniBatch: z.ZodOptional<z.ZodInt>;
            blocks: z.ZodOptional<z.ZodType<import("../../index.ts").FisherBlocks, import("../../index.ts").FisherBlocks, z.core.$ZodTypeInternals<import("../../index.ts").FisherBlocks, import("../../index.ts").FisherBlocks>>>;
            damp: z.ZodOptional<z.ZodNumber>;
            stages: z.ZodOptional<z.ZodInt>;
            judge: z.ZodOptional<z.ZodInt>;
            faithful: z.ZodOptional<z.ZodBoolean>;
            memory: z.ZodOptional<z.ZodNumber>;
            start: z.ZodOptional<z.ZodUnion<readonly [
                z.ZodEnum<{
                    magnitude: "magnitude";
                    random: "random";
                    "random-magnitude": "random-magnitude";
                    woodfisher: "woodfisher";
                    woodtaylor: "woodtaylor";
                }>,
                z.ZodString
            ]>>;
            search: z.ZodOptional<z.ZodEnum<{
                none: "none";
                global: "global";
                layer: "layer";
            }>>;
            update: z.ZodOptional<z.ZodEnum<{
                none: "none";
                single: "single";
                multiple: "multiple";
            }>>;
            updateEachPass: z.ZodOptional<z.ZodBoolean>;
            scale: z.ZodOptional<z.ZodUnion<readonly [
                z.ZodEnum<{
                    search: "search";
                }>,
                z.ZodNumber
            ]>>;
            firstOrder: z.ZodOptional<z.ZodBoolean>;
            flopsPower: z.ZodOptional<z.ZodNumber>;
            candidates: z.ZodOptional<z.ZodInt>;
            epsilon: z.ZodOptional<z.ZodNumber>;
            rho: z.ZodOptional<z.ZodInt>;
            tau: z.ZodOptional<z.ZodInt>;
            passes: z.ZodOptional<z.ZodInt>;
            patience: z.ZodOptional<z.ZodInt>;
            refreshBatchNorm: z.ZodOptional<z.ZodType<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh, z.core.$ZodTypeInternals<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh>>>;
            polish: z.ZodOptional<z.ZodInt>;
        }, z.core.$strict>>;
        layerwise: z.ZodOptional<z.ZodObject<{
            samples: z.ZodOptional<z.ZodInt>;
            damp: z.ZodOptional<z.ZodNumber>;
            horizon: z.ZodOptional<z.ZodInt>;
            newtonSteps: z.ZodOptional<z.ZodInt>;
            cgIterations: z.ZodOptional<z.ZodInt>;
            dense: z.ZodOptional<z.ZodString>;
            stages: z.ZodOptional<z.ZodInt>;
            refreshBatchNorm: z.ZodOptional<z.ZodType<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh, z.core.$ZodTypeInternals<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh>>>;
            polish: z.ZodOptional<z.ZodInt>;
        }, z.core.$strict>>;
        granularity: z.ZodDefault<z.ZodString>;
        prunable: z.ZodOptional<z.ZodEnum<{
            reference: "reference";
            published: "published";
            all: "all";
        }>>;
        include: z.ZodOptional<z.ZodArray<z.ZodString>>;
        exclude: z.ZodOptional<z.ZodArray<z.ZodString>>;
        floor: z.ZodOptional<z.ZodPipe<z.ZodUnknown, z.ZodTransform<string | number | undefined, unknown>>>;
        onCollapse: z.ZodDefault<z.ZodEnum<{
            error: "error";
            floor: "floor";
            warn: "warn";
        }>>;
        method: z.ZodType<"force" | "magnitude" | "random" | "woodfisher" | "woodtaylor" | "obd" | "chita" | "falcon" | "kfac" | "cbs-select" | "cbs-update" | "cbs" | "sparsegpt" | "wanda" | "ria" | "alps" | "grad-norm" | "snip" | "iter-snip" | "grasp" | "grasp-ref" | "fisher-diagonal" | "fisher-pruner" | "fts" | "fbss" | "hutch-diag" | "hutch-pruning" | "hts" | "synflow" | "obc" | "snows", "force" | "magnitude" | "random" | "woodfisher" | "woodtaylor" | "obd" | "chita" | "falcon" | "kfac" | "cbs-select" | "cbs-update" | "cbs" | "sparsegpt" | "wanda" | "ria" | "alps" | "grad-norm" | "snip" | "iter-snip" | "grasp" | "grasp-ref" | "fisher-diagonal" | "fisher-pruner" | "fts" | "fbss" | "hutch-diag" | "hutch-pruning" | "hts" | "synflow" | "obc" | "snows", z.core.$ZodTypeInternals<"force" | "magnitude" | "random" | "woodfisher" | "woodtaylor" | "obd" | "chita" | "falcon" | "kfac" | "cbs-select" | "cbs-update" | "cbs" | "sparsegpt" | "wanda" | "ria" | "alps" | "grad-norm" | "snip" | "iter-snip" | "grasp" | "grasp-ref" | "fisher-diagonal" | "fisher-pruner" | "fts" | "fbss" | "hutch-diag" | "hutch-pruning" | "hts" | "synflow" | "obc" | "snows", "force" | "magnitude" | "random" | "woodfisher" | "woodtaylor" | "obd" | "chita" | "falcon" | "kfac" | "cbs-select" | "cbs-update" | "cbs" | "sparsegpt" | "wanda" | "ria" | "alps" | "grad-norm" | "snip" | "iter-snip" | "grasp" | "grasp-ref" | "fisher-diagonal" | "fisher-pruner" | "fts" | "fbss" | "hutch-diag" | "hutch-pruning" | "hts" | "synflow" | "obc" | "snows">>;
        scope: z.ZodDefault<z.ZodType<"uniform" | "global" | "layerwise" | "erk", "uniform" | "global" | "layerwise" | "erk", z.core.$ZodTypeInternals<"uniform" | "global" | "layerwise" | "erk", "uniform" | "global" | "layerwise" | "erk">>>;
        sparsity: z.ZodDefault<z.ZodNumber>;
        target: z.ZodOptional<z.ZodObject<{
            ms: z.ZodOptional<z.ZodNumber>;
            kb: z.ZodOptional<z.ZodNumber>;
            stored: z.ZodOptional<z.ZodEnum<{
                dense: "dense";
                sparse: "sparse";
                brotli: "brotli";
            }>>;
            flops: z.ZodOptional<z.ZodNumber>;
            drop: z.ZodOptional<z.ZodNumber>;
            runtime: z.ZodOptional<z.ZodEnum<{
                espalier: "espalier";
                wasm: "wasm";
                onnxruntime: "onnxruntime";
            }>>;
            threads: z.ZodOptional<z.ZodInt>;
            batch: z.ZodOptional<z.ZodInt>;
            multipleOf: z.ZodOptional<z.ZodInt>;
            judges: z.ZodOptional<z.ZodInt>;
        }, z.core.$strict>>;
        sparsities: z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodNumber>>;
        flops: z.ZodOptional<z.ZodNumber>;
        schedule: z.ZodDefault<z.ZodEnum<{
            cubic: "cubic";
            "one-shot": "one-shot";
            exponential: "exponential";
            alternating: "alternating";
        }>>;
        start: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        end: z.ZodOptional<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        initial: z.ZodOptional<z.ZodNumber>;
        every: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        scoring: z.ZodOptional<z.ZodObject<{
            samples: z.ZodOptional<z.ZodType<number | "all", number | "all", z.core.$ZodTypeInternals<number | "all", number | "all">>>;
            miniBatch: z.ZodOptional<z.ZodInt>;
            batchNorm: z.ZodOptional<z.ZodType<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed", z.core.$ZodTypeInternals<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed">>>;
            temperature: z.ZodOptional<z.ZodNumber>;
            probes: z.ZodOptional<z.ZodInt>;
            sign: z.ZodOptional<z.ZodEnum<{
                "+": "+";
                "-": "-";
            }>>;
            rounds: z.ZodOptional<z.ZodInt>;
            reconstruct: z.ZodOptional<z.ZodEnum<{
                none: "none";
                auto: "auto";
            }>>;
            refreshBatchNorm: z.ZodOptional<z.ZodType<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh, z.core.$ZodTypeInternals<import("../../methods/settings.ts").Refresh, import("../../methods/settings.ts").Refresh>>>;
            polish: z.ZodOptional<z.ZodInt>;
        }, z.core.$strict>>;
    }, z.core.$strict>>;
    ticket: z.ZodOptional<z.ZodObject<{
        ratio: z.ZodNumber;
        masks: z.ZodArray<z.ZodEnum<{
            magnitude: "magnitude";
            iterative: "iterative";
            gsm: "gsm";
        }>>;
        scope: z.ZodDefault<z.ZodEnum<{
            global: "global";
            layerwise: "layerwise";
        }>>;
        floor: z.ZodOptional<z.ZodPipe<z.ZodUnknown, z.ZodTransform<string | number | undefined, unknown>>>;
        output: z.ZodOptional<z.ZodNumber>;
        rate: z.ZodDefault<z.ZodNumber>;
        rewind: z.ZodDefault<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>;
        gsm: z.ZodDefault<z.ZodRecord<z.ZodString, z.ZodUnknown>>;
        retrain: z.ZodOptional<z.ZodBoolean>;
        controls: z.ZodDefault<z.ZodArray<z.ZodEnum<{
            "random-mask": "random-mask";
            "random-reinit": "random-reinit";
        }>>>;
    }, z.core.$strict>>;
    rewire: z.ZodOptional<z.ZodObject<{
        method: z.ZodType<"set" | "dsr" | "set-magnitude" | "deepr" | "rigl" | "snfs" | "granet" | "srigl", "set" | "dsr" | "set-magnitude" | "deepr" | "rigl" | "snfs" | "granet" | "srigl", z.core.$ZodTypeInternals<"set" | "dsr" | "set-magnitude" | "deepr" | "rigl" | "snfs" | "granet" | "srigl", "set" | "dsr" | "set-magnitude" | "deepr" | "rigl" | "snfs" | "granet" | "srigl">>;
        every: z.ZodDefault<z.ZodUnion<readonly [
            z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>,
            z.ZodRecord<z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>, z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>>,
            z.ZodCustom<(step: number) => string, (step: number) => string>
        ]>>;
        end: z.ZodType<string, string, z.core.$ZodTypeInternals<string, string>>;
    }, z.core.$strict>>;
    tie: z.ZodOptional<z.ZodObject<{
        sparsity: z.ZodNumber;
        rescale: z.ZodDefault<z.ZodBoolean>;
        granularity: z.ZodDefault<z.ZodEnum<{
            filter: "filter";
            weight: "weight";
            row: "row";
            kernel: "kernel";
        }>>;
        prunable: z.ZodOptional<z.ZodEnum<{
            reference: "reference";
            published: "published";
            all: "all";
        }>>;
        include: z.ZodOptional<z.ZodArray<z.ZodString>>;
        exclude: z.ZodOptional<z.ZodArray<z.ZodString>>;
    }, z.core.$strict>>;
}, z.core.$strict>;

export declare function ria(problem: LayerProblem, target: Target): LayerSolution;

export declare const roundings: readonly [
    "gptq",
    "nearest"
];

export declare const scaleRules: readonly [
    "max",
    "mse"
];

export declare const scheduleKinds: readonly [
    "one-shot",
    "exponential",
    "cubic",
    "alternating"
];

export declare const scoringSettings: z.ZodObject<{
    samples: z.ZodOptional<z.ZodType<number | "all", number | "all", z.core.$ZodTypeInternals<number | "all", number | "all">>>;
    miniBatch: z.ZodOptional<z.ZodInt>;
    batchNorm: z.ZodOptional<z.ZodType<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed", z.core.$ZodTypeInternals<"train" | "eval" | "refreshed", "train" | "eval" | "refreshed">>>;
    temperature: z.ZodOptional<z.ZodNumber>;
    probes: z.ZodOptional<z.ZodInt>;
    sign: z.ZodOptional<z.ZodEnum<{
        "+": "+";
        "-": "-";
    }>>;
    rounds: z.ZodOptional<z.ZodInt>;
    reconstruct: z.ZodOptional<z.ZodEnum<{
        none: "none";
        auto: "auto";
    }>>;
    refreshBatchNorm: z.ZodOptional<z.ZodType<import("../settings.ts").Refresh, import("../settings.ts").Refresh, z.core.$ZodTypeInternals<import("../settings.ts").Refresh, import("../settings.ts").Refresh>>>;
    polish: z.ZodOptional<z.ZodInt>;
}, z.core.$strict>;

export declare const searchNames: readonly [
    "none",
    "global",
    "layer"
];

export declare const secondOrderMethods: {
    readonly magnitude: "|w|, no update: the control";
    readonly obd: "Optimal Brain Damage: diagonal Fisher, no update (LeCun et al. 1990)";
    readonly woodfisher: "WoodFisher: saliencies and updates of single weights, summed (Singh & Alistarh 2020)";
    readonly woodtaylor: "WoodTaylor: the same with the first-order term of the loss (Singh & Alistarh 2020)";
    readonly kfac: "WoodFisher with the Kronecker factors of linear layers (Martens & Grosse 2015)";
    readonly 'cbs-select': "Combinatorial Brain Surgeon, selection by local search only (Yu et al. 2022)";
    readonly 'cbs-update': "magnitude, then the systematic update of the kept weights (Yu et al. 2022)";
    readonly cbs: "Combinatorial Brain Surgeon: local search and systematic update (Yu et al. 2022)";
    readonly chita: "CHITA: sparse regression on the gradients, in stages (Benbaki et al. 2023)";
    readonly falcon: "FALCON: the same under a budget of multiply-adds, too (Meng et al. 2024)";
};

export declare const solvers: {
    readonly sparsegpt: (problem: LayerProblem, target: Target, machine: Machine) => LayerSolution;
    readonly wanda: typeof wanda;
    readonly ria: typeof ria;
    readonly alps: typeof alps;
};

export declare const startNames: readonly [
    "random-magnitude",
    "magnitude",
    "woodfisher",
    "woodtaylor",
    "random"
];

export declare const storedForms: readonly [
    "dense",
    "sparse",
    "brotli"
];

export declare const storedMethods: {
    readonly magnitude: "the smallest |w|";
    readonly random: "any, each as likely as any other: the control";
};

export declare const updateNames: readonly [
    "none",
    "single",
    "multiple"
];

export declare const valueTypes: readonly [
    "uint8",
    "int8"
];

export declare function wanda(problem: LayerProblem, target: Target): LayerSolution;
