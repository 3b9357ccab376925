import {
  Abs,
  Add,
  Cast,
  Ceil,
  ClipByValue,
  Cos,
  Equal,
  Erf,
  Exp,
  Expm1,
  Floor,
  Greater,
  GreaterEqual,
  Identity,
  Less,
  LessEqual,
  Log,
  Log1p,
  LogicalAnd,
  Maximum,
  Minimum,
  Multiply,
  Neg,
  NotEqual,
  OnesLike,
  Pow,
  RealDiv,
  Reciprocal,
  Relu,
  Round,
  Rsqrt,
  Select,
  Sigmoid,
  Sign,
  Sin,
  Softplus,
  Sqrt,
  Square,
  SquaredDifference,
  Step,
  Sub,
  Tanh,
  ZerosLike,
  add,
  cast,
  clone,
  cos,
  div,
  exp,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  mul,
  neg,
  pow,
  rsqrt,
  sigmoid,
  sign,
  sin,
  sqrt,
  square,
  step,
  sub,
  tanh,
  zeros,
  type GradConfig,
  type Tensor,
} from '@tensorflow/tfjs-core'
import { asNumbers, binary, constant, unary } from './rule.js'

const unaryRules: readonly GradConfig[] = [
  unary(Identity, (dy) => clone(dy)),
  unary(Cast, (dy) => cast(dy, 'float32')),
  unary(Neg, (dy) => neg(dy)),
  unary(Abs, (dy, x) => mul(dy, sign(x))),
  unary(Square, (dy, x) => mul(dy, mul(2, x))),
  unary(Sqrt, (dy, x) => div(dy, mul(2, sqrt(x)))),
  unary(Rsqrt, (dy, x) => mul(dy, div(mul(-0.5, rsqrt(x)), x))),
  unary(Reciprocal, (dy, x) => neg(div(dy, square(x)))),
  unary(Exp, (dy, x) => mul(dy, exp(x))),
  unary(Expm1, (dy, x) => mul(dy, exp(x))),
  unary(Log, (dy, x) => div(dy, x)),
  unary(Log1p, (dy, x) => div(dy, add(1, x))),
  unary(Sin, (dy, x) => mul(dy, cos(x))),
  unary(Cos, (dy, x) => neg(mul(dy, sin(x)))),
  unary(Relu, (dy, x) => mul(dy, step(x))),
  unary(Softplus, (dy, x) => mul(dy, sigmoid(x))),
  unary(Erf, (dy, x) => mul(dy, mul(2 / Math.sqrt(Math.PI), exp(neg(square(x)))))),
  unary(Sigmoid, (dy, x) => {
    const s = sigmoid(x)
    return mul(dy, mul(s, sub(1, s)))
  }),
  unary(Tanh, (dy, x) => mul(dy, sub(1, square(tanh(x))))),
  unary(ClipByValue, (dy, x, { clipValueMin, clipValueMax }) => {
    const low = greaterEqual(x, clipValueMin as number)
    return mul(dy, asNumbers(logicalAnd(low, lessEqual(x, clipValueMax as number))))
  }),
]

const binaryRules: readonly GradConfig[] = [
  binary(
    Add,
    (dy) => dy,
    (dy) => dy,
  ),
  binary(
    Sub,
    (dy) => dy,
    (dy) => neg(dy),
  ),
  binary(
    Multiply,
    (dy, _a, b) => mul(dy, asFloat(b)),
    (dy, a) => mul(dy, asFloat(a)),
  ),
  binary(
    RealDiv,
    (dy, _a, b) => div(dy, asFloat(b)),
    (dy, a, b) => neg(div(mul(dy, asFloat(a)), square(asFloat(b)))),
  ),
  binary(
    SquaredDifference,
    (dy, a, b) => mul(dy, mul(2, sub(a, b))),
    (dy, a, b) => mul(dy, mul(2, sub(b, a))),
  ),
  // On a tie the first takes all.
  binary(
    Maximum,
    (dy, a, b) => mul(dy, asNumbers(greaterEqual(a, b))),
    (dy, a, b) => mul(dy, asNumbers(less(a, b))),
  ),
  binary(
    Minimum,
    (dy, a, b) => mul(dy, asNumbers(lessEqual(a, b))),
    (dy, a, b) => mul(dy, asNumbers(greater(a, b))),
  ),
  // In the exponent for positive bases only.
  binary(
    Pow,
    (dy, a, b) => mul(dy, mul(asFloat(b), pow(a, sub(b, 1)))),
    (dy, a, b) => mul(dy, mul(pow(a, b), log(a))),
  ),
]

/** `where(condition, t, e)`; the condition has the shape of both. */
const selectRule: GradConfig = {
  kernelName: Select,
  inputsToSave: ['condition'],
  gradFunc: (dy, [condition]) => {
    const chosen = () => asNumbers(condition!)
    return {
      condition: () => zeros(condition!.shape),
      t: () => mul(dy as Tensor, chosen()),
      e: () => mul(dy as Tensor, sub(1, chosen())),
    }
  },
}

const asFloat = (x: Tensor): Tensor => (x.dtype === 'float32' ? x : cast(x, 'float32'))

export const elementWiseGradients: readonly GradConfig[] = [
  ...unaryRules,
  ...binaryRules,
  selectRule,
  ...[Step, Sign, Floor, Ceil, Round, ZerosLike, OnesLike].map((name) => constant(name, ['x'])),
  ...[Equal, NotEqual, Greater, GreaterEqual, Less, LessEqual, LogicalAnd].map((name) =>
    constant(name, ['a', 'b']),
  ),
]
