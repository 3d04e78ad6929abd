/** Carries calls and answers between the processes of one server (platform/process-channel.ts). */
import type { ChildProcess, Serializable } from 'node:child_process'
import { type Channel, createChannel, type Role } from '../platform/process-channel.ts'
import type { ChildRole } from './fork-role.ts'

/** A message of the channel on its way from one process to another. */
interface Relayed {
  readonly to: Role
  readonly from: Role
  readonly id: number
  readonly method?: string
  readonly error?: { readonly message: string; readonly code: string }
}

export interface Relay {
  /** The supervisor's own end. */
  readonly channel: Channel
  /** Hands on what a child sent. */
  pass(message: unknown): void
  /** A process that ended answers nothing any more: who waits for it is told. */
  refuseCallsTo(role: ChildRole): void
}

/** `processOf`: the living process of a role. */
export const createRelay = (processOf: (role: ChildRole) => ChildProcess | undefined): Relay => {
  let receive: (message: unknown) => void = () => {}
  /** Calls that a child was given and has not answered, by asker and id. */
  const unanswered = new Map<string, Relayed>()

  const refuse = ({ to, from, id }: Relayed): void => {
    const error = { message: `the ${to} process is not running`, code: 'unavailable' }
    relay({ to: from, from: to, id, error })
  }

  const relay = (message: Relayed): void => {
    const isCall = message.method !== undefined
    if (!isCall) unanswered.delete(`${message.to} ${message.id}`)
    if (message.to === 'supervisor') {
      receive(message)
      return
    }
    const target = processOf(message.to)
    if (target?.connected === true) {
      if (isCall) unanswered.set(`${message.from} ${message.id}`, message)
      target.send(message as Serializable)
    } else if (isCall) refuse(message)
    // else: an answer to a process that is gone
  }

  const channel = createChannel('supervisor', {
    send: (message) => relay(message as never),
    listen: (received) => {
      receive = received
    },
  })

  return {
    channel,
    pass: (message) => relay(message as Relayed),
    refuseCallsTo: (role) => {
      for (const [key, call] of [...unanswered]) {
        if (call.to !== role) continue
        unanswered.delete(key)
        refuse(call)
      }
    },
  }
}
