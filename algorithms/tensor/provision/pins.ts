/**
 * What `tributary doctor --install` downloads, by version and hash. A file with another hash is refused, so an install
 * today and one in a year start from the same bytes.
 */
export const TFJS_VERSION = '4.22.0'

/** A file of the npm registry; the hash is npm's own `integrity`. */
export interface TarballPin {
  readonly name: string
  readonly version: string
  readonly integrity: string
}
/** A file of the Python package index for Linux x86-64. `megabytes` is what the download takes, rounded. */
export interface WheelPin {
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly megabytes: number
}
export interface Product {
  /** The npm package whose addon is built. */
  readonly tfjs: TarballPin
  /** The wheel that carries libtensorflow and the headers of its C API (tags cp311, manylinux_2_17). */
  readonly tensorflow: WheelPin
  /** Wheels with the libraries that libtensorflow opens at run time. */
  readonly libraries: readonly WheelPin[]
  /** Folder below the provision root. */
  readonly folder: string
  /** Free disk space wanted before the download, in megabytes: downloads, unpacked libraries and some room. */
  readonly diskMegabytes: number
}

const tarball = (name: string, version: string, integrity: string): TarballPin => ({
  name,
  version,
  integrity: `sha512-${integrity}`,
})
const wheel = (at: string, megabytes: number, sha256: string): WheelPin => {
  const [name = '', version = ''] = at.split('==')
  return { name, version, sha256, megabytes }
}
const cuda12 = (at: string, megabytes: number, sha256: string): WheelPin =>
  wheel(at.replace('==', '-cu12=='), megabytes, sha256)

/** The only dependency of tfjs-node that its kernels need; the others serve its own installer and tfjs-layers. */
export const PROTOBUF = tarball(
  'google-protobuf',
  '3.21.4',
  'MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
)
/** Used only where Node.js was installed without its headers. */
export const NODE_API_HEADERS = tarball(
  'node-api-headers',
  '1.9.0',
  '2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==',
)

export const PRODUCTS = {
  // 2.16.2 is the newest release on which all of tfjs-core's own tests pass: from 2.17, `round` of int32 yields zeros.
  native: {
    tfjs: tarball(
      '@tensorflow/tfjs-node',
      TFJS_VERSION,
      'uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
    ),
    tensorflow: wheel(
      'tensorflow-cpu==2.16.2',
      214,
      'c855cb6bf05d32dd5928086b03a5f6b4189b63c22b95e017703cbee4291023ca',
    ),
    libraries: [],
    folder: `cpu-tfjs${TFJS_VERSION}-tensorflow2.16.2`,
    diskMegabytes: 1200,
  },
  // 2.18.1 is built for CUDA 12.5 and cuDNN 9.3; its libraries are those that its metadata name for `and-cuda`.
  cuda: {
    tfjs: tarball(
      '@tensorflow/tfjs-node-gpu',
      TFJS_VERSION,
      'p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
    ),
    tensorflow: wheel(
      'tensorflow==2.18.1',
      616,
      'c9f87e5d2a680a4595f5dc30daf6bbaec9d4129b46d7ef1b2af63c46ac7d2828',
    ),
    libraries: [
      cuda12(
        'nvidia-cublas==12.5.3.2',
        363,
        'ca070ad70e9fa6654084575d01bd001f30cc4665e33d4bb9fc8e0f321caa034b',
      ),
      cuda12(
        'nvidia-cuda-cupti==12.5.82',
        14,
        'bde77a5feb66752ec61db2adfe47f56b941842825b4c7e2068aff27c9d107953',
      ),
      cuda12(
        'nvidia-cuda-nvcc==12.5.82',
        22,
        'b03e545b8e8c3ce7ebcd7fc44063180ff52ff01d064ece2127ed90a04ef12cd0',
      ),
      cuda12(
        'nvidia-cuda-nvrtc==12.5.82',
        25,
        '3dbd97b0104b4bfbc3c4f8c79cd2496307c89c43c29a9f83125f1d76296ff3fd',
      ),
      cuda12(
        'nvidia-cuda-runtime==12.5.82',
        1,
        '3e79a060e126df40fd3a068f3f787eb000fa51b251ec6cd97d09579632687115',
      ),
      cuda12(
        'nvidia-cudnn==9.3.0.75',
        577,
        '9ad9c6929ebb5295eb4a1728024666d1c88283373e265a0c5c883e6f9d5cd76d',
      ),
      cuda12(
        'nvidia-cufft==11.2.3.61',
        193,
        '9a6e8df162585750f61983a638104a48c756aa13f9f48e19ab079b38e3c828b8',
      ),
      cuda12(
        'nvidia-curand==10.3.6.82',
        56,
        '2823fb27de4e44dbb22394a6adf53aa6e1b013aca0f8c22867d1cfae58405536',
      ),
      cuda12(
        'nvidia-cusolver==11.6.3.83',
        130,
        '93cfafacde4428b71778eeb092ec615a02a3d05404da1bcf91c53e3fa1bce42b',
      ),
      cuda12(
        'nvidia-cusparse==12.5.1.3',
        218,
        '016df8e993c437e8301e62739f01775cba988fd5253cd4c64173f8e8d2f8e752',
      ),
      cuda12(
        'nvidia-nccl==2.21.5',
        189,
        '8579076d30a8c24988834445f8d633c697d42397e92ffc3f63fa26766d25e0a0',
      ),
      cuda12(
        'nvidia-nvjitlink==12.5.82',
        21,
        'f9b37bc5c8cf7509665cb6ada5aaa0ce65618f2332b7d3e78e9790511f111212',
      ),
    ],
    folder: `cuda-tfjs${TFJS_VERSION}-tensorflow2.18.1`,
    diskMegabytes: 6000,
  },
} as const satisfies Record<string, Product>

export type ProductName = keyof typeof PRODUCTS

/** Dawn for Node.js and TensorFlow.js's kernels in WGSL. */
export const WEBGPU = {
  dawn: tarball(
    'webgpu',
    '0.6.2',
    '3L4GfmqJLvYUIEWJngEQY+2HQiUlAFkg8+P8NDDj3Xx5hHHIFO/r8JW+ynfqBj7kHN4mbnwO74uB+lrRtLhp4Q==',
  ),
  kernels: tarball(
    '@tensorflow/tfjs-backend-webgpu',
    TFJS_VERSION,
    'lvIc7Af4Tl2BCdYp43iQmSCRq3asaKT0q2xaErphXiUZ+jqeB0bQa0ZvQys1Xatvto0U4/c90DVsHPfvkn5ftg==',
  ),
  /** Carries SwiftShader, a Vulkan driver in software, beside a browser that we do not unpack. Tests only. */
  software: tarball(
    '@sparticuz/chromium',
    '153.0.0',
    'jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==',
  ),
  folder: `webgpu-tfjs${TFJS_VERSION}-dawn0.6.2`,
  diskMegabytes: 400,
} as const
