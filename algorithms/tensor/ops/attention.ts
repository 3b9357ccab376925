import { tf, type Tensor } from '#algorithms/tensor/tf.js'

/**
 * Softmax attention of several heads, each over its own part of the channels: softmax(q kᵀ / sqrt(channels / heads)) v.
 * qkv [batch, tokens, 3 · channels] holds queries, keys and values one after another, each head by head
 * → [batch, tokens, channels], head by head. `heads` divides channels.
 */
export function attention(qkv: Tensor, heads: number): Tensor {
  const [batch = 0, tokens = 0, width = 0] = qkv.shape
  const size = width / 3 / heads
  const byHead = tf.transpose(tf.reshape(qkv, [batch, tokens, 3 * heads, size]), [0, 2, 1, 3])
  const [q, k, v] = tf.split(byHead, 3, 1) as [Tensor, Tensor, Tensor]
  const scores = tf.matMul(tf.mul(q, size ** -0.5), k, false, true)
  const mixed = tf.matMul(tf.softmax(scores), v)
  return tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, tokens, width / 3])
}
