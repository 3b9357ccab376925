/** Entry of the process that makes load. */
import { serveCalls } from '#coordinator/compute/child-calls.js'
import { Crowd, type Asked, type Connecting, type Sending, type Stalling } from './crowd.js'
import { SlowPeers, type SlowSetting } from './slow-peers.js'

const crowd = new Crowd()
const slow = new SlowPeers()

serveCalls({
  connect: (how: Connecting) => crowd.connect(how),
  standing: async () => crowd.standing(),
  forget: async () => crowd.forget(),
  tasks: (asked: Asked) => crowd.tasks(asked),
  connected: (count: number, withinSeconds: number) => crowd.connected(count, withinSeconds),
  send: (how: Sending) => crowd.send(how),
  stall: (how: Stalling) => crowd.stall(how),
  returns: async () => crowd.returns(),
  attack: (how: SlowSetting) => slow.attack(how),
  attackers: async () => slow.standing(),
  retreat: () => slow.retreat(),
  leave: async () => crowd.leave(),
})
