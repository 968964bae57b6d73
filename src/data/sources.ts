/**
 * @file The addresses where data sets are published, and the sizes and checksums of their files.
 */

export interface PublishedFile {
  /** The address of the file below its source's base, and its name on this machine until it is unpacked. */
  name: string
  /** The size in bytes. */
  size: number
  /** The checksum published beside the files. It guards against damage, not against forgery. */
  md5: string
  packed: 'gzip' | 'tar.gz' | 'none'
  /** The files that unpacking leaves, relative to the data set's folder. */
  gives: readonly string[]
}

export interface Source {
  /** The base address, which ends with a slash. */
  base: string
  files: readonly PublishedFile[]
}

/** An IDX file in MNIST's layout. */
const idx = (name: string, size: number, md5: string): PublishedFile => ({
  name: `${name}.gz`,
  size,
  md5,
  packed: 'gzip',
  gives: [name],
})

/** A file that stays as it is. */
const whole = (name: string, size: number, md5: string): PublishedFile => ({
  name,
  size,
  md5,
  packed: 'none',
  gives: [name],
})

const binary = (folder: string, names: readonly string[]) => names.map((name) => `${folder}/${name}`)

export const sources: Record<string, Source> = {
  mnist: {
    base: 'https://ossci-datasets.s3.amazonaws.com/mnist/',
    files: [
      idx('train-images-idx3-ubyte', 9_912_422, 'f68b3c2dcbeaaa9fbdd348bbdeb94873'),
      idx('train-labels-idx1-ubyte', 28_881, 'd53e105ee54ea40749a09fcbcd1e9432'),
      idx('t10k-images-idx3-ubyte', 1_648_877, '9fb629c4189551a2d022fa330f9573f3'),
      idx('t10k-labels-idx1-ubyte', 4_542, 'ec29112dd5afa0611ce80d1b7f02629c'),
    ],
  },
  'fashion-mnist': {
    base: 'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    files: [
      idx('train-images-idx3-ubyte', 26_421_880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d'),
      idx('train-labels-idx1-ubyte', 29_515, '25c81989df183df01b3e8a0aad5dffbe'),
      idx('t10k-images-idx3-ubyte', 4_422_102, 'bef4ecab320f06d8554ea6380940ec79'),
      idx('t10k-labels-idx1-ubyte', 5_148, 'bb300cfdad3c16e7a12a480ee83cd310'),
    ],
  },
  cifar10: {
    base: 'https://www.cs.toronto.edu/~kriz/',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        size: 170_052_171,
        packed: 'tar.gz',
        md5: 'c32a1d4ab5d03f1284b67883e8d87530',
        gives: binary('cifar-10-batches-bin', [
          ...[1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`),
          'test_batch.bin',
          'batches.meta.txt',
        ]),
      },
    ],
  },
  cifar100: {
    base: 'https://www.cs.toronto.edu/~kriz/',
    files: [
      {
        name: 'cifar-100-binary.tar.gz',
        size: 168_513_733,
        packed: 'tar.gz',
        md5: '03b5dce01913d631647c71ecec9e9cb8',
        gives: binary('cifar-100-binary', ['train.bin', 'test.bin', 'fine_label_names.txt', 'coarse_label_names.txt']),
      },
    ],
  },
  svhn: {
    // Its server is reached without encryption only.
    base: 'http://ufldl.stanford.edu/housenumbers/',
    files: [
      whole('train_32x32.mat', 182_040_794, 'e26dedcc434d2e4c54c9b2d4a06d8373'),
      whole('test_32x32.mat', 64_275_384, 'eb5a983be6a315427106f1b164d9cef3'),
    ],
  },
}
