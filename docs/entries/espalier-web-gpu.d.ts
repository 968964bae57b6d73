// What espalier/web/gpu exports. Written by scripts/api.mjs (npm run api).

export declare class GpuModel {
    #private;
    readonly model: Model;
    private constructor();
    static open(file: TensorFile & {
        onnx?: OnnxModel;
    }, { gpu, processor, costs, ...options }?: GpuModelOptions): Promise<GpuModel>;
    get description(): string;
    run(images: ArrayLike<number>): Promise<Float32Array>;
    close(): void;
}

export interface GpuModelOptions extends InferenceOptions {
    gpu?: GPU;
    processor?: Machine;
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

export interface ThreadWorker {
    postMessage(message: unknown): void;
    terminate?(): void;
    onmessage?: unknown;
    onerror?: unknown;
}

export declare class UserError extends Error {
    name: string;
}

export interface WebGpuOptions {
    processor: Machine;
    worker(): ThreadWorker;
}

export declare function webGpuMachine({ processor, worker }: WebGpuOptions): Promise<Machine>;

// Behind it.

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

export interface Builder {
    apply(operator: Operator, inputs: readonly Tensor[], attributes?: Attributes): Tensor[];
    constant(values: number | ArrayLike<number>, shape?: Shape, batched?: boolean): Tensor;
}

export interface Cost extends Amounts {
    error?: number;
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

export type DType = keyof typeof BYTES_PER;

export declare type DeviceConfigurationProto = Message<"onnx.DeviceConfigurationProto"> & {
    name: string;
    numDevices: number;
    device: string[];
};

export type EngineName = 'native' | 'wasm' | 'webgpu' | 'reference';

export interface Extent {
    offset: number;
    length: number;
}

export type External = (location: string, offset: number, length: number) => Uint8Array;

export interface Fan {
    readonly in: number;
    readonly out: number;
}

export type Floats = Float32Array | Float64Array;

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

export interface InferenceOptions {
    kernels?: Kernels;
    costs?: CostTable;
    model?: string;
    source?: string;
}

export type Initial = Fan | number;

export type InitializerName = keyof typeof initializers;

export interface Instruction {
    readonly kernel: Kernel;
    readonly args: readonly number[];
}

export type InstructionSet = 'avx512' | 'avx2' | 'baseline' | 'neon' | 'wasm' | 'webgpu' | 'float64';

export declare type IntIntListEntryProto = Message<"onnx.IntIntListEntryProto"> & {
    key: bigint;
    value: bigint[];
};

export interface Kernel<P extends string = string> {
    readonly name: string;
    readonly parameters: readonly P[];
    readonly list?: boolean;
    readonly bits?: boolean;
    extents(args: Readonly<Record<P, number>>, list: readonly number[]): Extent[];
    room?(args: Readonly<Record<P, number>>): void;
    reference(args: Readonly<Record<P, number>>, memory: ReferenceMemory, list: readonly number[]): void;
}

export type Kernels = (typeof kernelKinds)[number];

export interface KindCosts {
    dense: Cost;
    sparse: Cost;
}

export type LayerKind = (typeof layerKinds)[number];

export type Message<TypeName extends string = string> = {
    readonly $typeName: TypeName;
    $unknown?: UnknownField[] | undefined;
};

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

export interface OnnxModel {
    file: OnnxFile;
    network: OnnxNetwork | Unsupported;
    reading: ImportOptions;
}

export interface OnnxNetwork {
    model: Model;
    tensors: Map<string, StoredTensor>;
    origins: ReadonlyMap<string, Origin>;
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
    source?: Pick<Source, 'key' | 'transposed'>;
    roots: Source['root'][];
    reads: Read[];
    type: DType;
    values: () => ArrayLike<number>;
}

export type Pass = (typeof passes)[number];

export declare class Program {
    readonly instructions: readonly Instruction[];
    readonly arenaSize: number;
    private constructor();
    static assemble(instructions: readonly Instruction[], arenaSize: number, anySize?: boolean): Program;
    encode(kernelNumbers: ReadonlyMap<string, number>): Int32Array;
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

export interface Read {
    slot: Slot;
    transposed: boolean;
    shape: Shape;
}

export interface ReferenceMemory {
    floats: Float64Array | Float32Array;
    doubles: Float64Array;
    bytes: Uint8Array;
}

export type Role = 'input' | 'parameter' | 'buffer' | 'state' | 'constant' | 'value';

export interface RowPart {
    name: string;
    shape: readonly number[];
    whole?: boolean;
    range?: ValueRange;
    layout?: 'NHWC';
    softmax?: boolean;
}

export interface Run {
    arena: Arena;
    program: Program;
}

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

export type StateOptions = Pick<Tensor, 'bytes' | 'saved' | 'beside'>;

export interface StoredTensor {
    dtype: DType;
    shape: readonly number[];
    data: Uint8Array;
}

export declare type StringStringEntryProto = Message<"onnx.StringStringEntryProto"> & {
    key: string;
    value: string;
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

export interface TensorFile {
    tensors: Map<string, StoredTensor>;
    metadata: Record<string, string>;
}

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

export declare type TrainingInfoProto = Message<"onnx.TrainingInfoProto"> & {
    initialization?: GraphProto;
    algorithm?: GraphProto;
    initializationBinding: StringStringEntryProto[];
    updateBinding: StringStringEntryProto[];
};

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

export declare enum WireType {
    Varint = 0,
    Bit64 = 1,
    LengthDelimited = 2,
    StartGroup = 3,
    EndGroup = 4,
    Bit32 = 5
}

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

export declare const passes: readonly [
    "forward",
    "step"
];
