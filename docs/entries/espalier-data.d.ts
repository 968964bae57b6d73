// What espalier/data exports. Written by scripts/api.mjs (npm run api).

export interface Augmentation {
    pad: number;
    fill: 'zero' | 'reflect';
    flip: boolean;
    resizedCrop?: boolean;
}

export interface DataProgress {
    what: string;
    unit: 'images' | 'bytes';
    done: number;
    total: number;
    perSecond: number;
    secondsLeft: number;
}

export interface Dataset extends SampleSet {
    classes: number;
    train: Split;
    test: Split;
}

export interface GetOptions {
    into?: string;
    from?: string;
    onProgress?: OnProgress;
}

export interface LoadOptions extends Geometry, DecodeOptions {
    normalization?: string;
    photographs?: 'beside' | 'only';
    usual?: Geometry;
    channels?: number;
    gray?: boolean;
}

export interface Normalization {
    mean: readonly number[];
    std: readonly number[];
}

export interface SampleOptions extends LoadOptions {
    rate?: number;
}

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

export interface SampleTaker {
    name: string;
    image: SampleSet['image'];
    inputs?: readonly ArrayInput[];
    recurrence?: Recurrence;
    classes?: number;
    vocabulary?: number;
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

export interface Split extends Samples {
    images: Uint8Array;
    labels: Labels;
}

export interface SyntheticOptions {
    train?: number;
    test?: number;
    classes?: number;
    image?: readonly [
        number,
        number,
        number
    ];
    noise?: number;
    seed?: number;
}

export declare class UserError extends Error {
    name: string;
}

export declare const augmentations: Record<string, Augmentation & {
    summary: string;
}>;

export declare const datasets: Record<string, DatasetEntry>;

export declare function drawAugmentation({ pad, flip }: Pick<Augmentation, 'pad' | 'flip'>, seed: number, epoch: number, samples: ArrayLike<number>, out?: Float32Array): Float32Array;

export declare function findAugmentation(name: string): Augmentation;

export declare function findNormalization(name: string, channels: number): Normalization;

export declare function getDataset(name: string, options?: GetOptions, known?: Record<string, Source>): Promise<Got>;

export declare function holdOut(count: number, validation: number, seed: number, stratifyBy?: ArrayLike<number>): Indices;

export declare function loadDataset(nameOrFolder: string, options?: LoadOptions): Promise<Dataset>;

export declare function loadMnist(folder?: string): Dataset;

export declare function loadSamples(nameOrPath: string, taker: SampleTaker, options?: SampleOptions): Promise<SampleSet>;

export declare const normalizations: Record<string, Entry>;

export declare function synthetic(options?: SyntheticOptions): Dataset;

// Behind it.

export interface ArrayInput {
    name: string;
    shape: readonly number[];
    whole?: boolean;
    range?: {
        least: number;
        most: number;
        why: string;
    };
    layout?: 'NHWC';
}

export interface DatasetEntry {
    summary: string;
    locate?(): string | undefined;
    load(options: LoadOptions): Promise<Dataset>;
}

export interface DecodeOptions {
    skipCorrupt?: boolean;
    onProgress?: OnProgress;
}

interface Entry extends Normalization {
    summary: string;
}

export type Fit = (typeof fits)[number];

export interface Geometry {
    plane?: readonly [
        number,
        number
    ];
    fit?: Fit;
    size?: number;
    crop?: number;
}

export interface Got {
    folder: string;
    downloaded: string[];
}

export interface Indices {
    train: Uint32Array;
    validation: Uint32Array;
}

export type Labels = Uint8Array | Uint16Array;

export type OnProgress = (progress: DataProgress) => void;

export interface Origin {
    mean: string;
    std: string;
}

export interface Pixels {
    height: number;
    width: number;
    channels: number;
    data: Uint8Array;
}

export interface PublishedFile {
    name: string;
    size: number;
    md5: string;
    packed: 'gzip' | 'tar.gz' | 'none';
    gives: readonly string[];
}

export interface Recurrence {
    states: readonly string[];
    note: string;
    fill(samples: Float32Array, follow: ReadonlySet<number>): Promise<void>;
}

export interface Source {
    base: string;
    files: readonly PublishedFile[];
}

export declare const fits: readonly [
    "crop",
    "letterbox",
    "stretch"
];
