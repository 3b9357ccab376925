import { cifar10 } from './cifar10.js'
import { cifar100 } from './cifar100.js'
import { csv } from './csv.js'
import { fashionMnist } from './fashion-mnist.js'
import { idx } from './idx.js'
import type { Loader } from './loader.js'
import { mnist } from './mnist.js'
import { synthetic } from './synthetic.js'

/** Every loader, in the order in which help lists them. A test holds it against the folder. */
export const LOADERS: readonly Loader[] = [
  mnist,
  fashionMnist,
  cifar10,
  cifar100,
  idx,
  csv,
  synthetic,
]
