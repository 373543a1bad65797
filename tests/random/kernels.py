"""The places of words once more: loops over a kernel's threads that count the words as they are consumed.

A place is a number: sequence * 2^24 + words the thread has taken before, or the index of Triton's randint.
"""

from itertools import product

import numpy as np

from fos_ref.oracle.stochastic import philox4x32
from fos_ref.random import MAPS
from fos_ref.random.maps import Asked


def draws_of(name, shape, **options):
    """Return the places that a map gives, flat."""
    chosen = MAPS[name]
    taken = {key: options.get(key, values[0]) for key, values in chosen.options.items()}
    rows, groups = np.arange(shape[0])[:, None], np.arange(shape[1] // chosen.elements)[None, :]
    places = chosen.place(Asked(rows, groups, shape, 0, 0, taken))
    x, y, z, _ = np.moveaxis(places.counter.astype(np.int64), -1, 0)
    return np.broadcast_to(z * (1 << 24) + y + 4 * x + places.lane, (rows.size, groups.size)).reshape(-1)


class Thread:
    """One thread's state: every word taken moves it on."""

    def __init__(self, sequence):
        self.next = sequence << 24

    def take(self, target, row, group):
        target[row, group] = self.next
        self.next += 1


def _empty(shape):
    rows, columns = shape
    return np.full((rows, columns // 4), -1), np.full((columns, rows // 4), -1)


def _blocks(shape):
    across = shape[1] // 128
    for by, bx, tid in product(range(shape[0] // 128), range(across), range(128)):
        yield by, bx, tid, Thread(tid + 128 * bx + 128 * across * by)


def tuned_draws(shape, *, both=True):
    row_copy, column_copy = _empty(shape)
    for by, bx, tid, thread in _blocks(shape):
        warp, lane = divmod(tid, 32)
        for sy, sx in product(range(2), range(2)):
            top, left = 128 * by + 64 * sy, 128 * bx + 64 * sx
            for it, wave, half in product(range(2), range(2), range(2)):
                column = left + 16 * (tid % 4) + ((wave + lane // 16) * 8) % 16 + 4 * half
                thread.take(row_copy, top + tid // 4 + 32 * it, column // 4)
            for w, word in product(range(2 if both else 0), range(4)):
                first = top + 16 * ((lane // 2 + warp) % 4)
                thread.take(column_copy, left + 2 * lane + w, first // 4 + word)
    return row_copy, column_copy


def general_draws(shape, *, both=True):
    row_copy, column_copy = _empty(shape)
    for by, bx, tid, thread in _blocks(shape):
        for stage in range(4):
            top = 128 * by + 32 * stage
            for it, word in product(range(2 if both else 0), range(4)):
                thread.take(column_copy, 128 * bx + tid, (top + 16 * it) // 4 + word)
            for it, wave, half in product(range(2), range(2), range(2)):
                column = 128 * bx + 16 * (tid % 8) + ((wave + tid % 32 // 16) * 8) % 16 + 4 * half
                thread.take(row_copy, top + 16 * it + tid // 8, column // 4)
    return row_copy, column_copy


def fused_draws(shape):
    tiles_n, tiles_m = -(-shape[0] // 128), shape[1] // 128  # half a tile of rows is allowed
    row_copy, column_copy = _empty((128 * tiles_n, shape[1]))
    most = min(tiles_n, 8)
    for linear in range(tiles_m * -(-tiles_n // most)):
        m, base = linear % tiles_m, linear // tiles_m * most
        for k in range(min(most, tiles_n - base)):
            top, left = 128 * (base + k), 128 * m
            for tid in range(128, 256):
                thread = Thread(tid + k * 512 + linear * most * 512)
                for word in range(32):
                    thread.take(column_copy, left + tid - 128, top // 4 + word)
            for tid in range(256, 512):
                thread = Thread(tid + (k + 1) * 512 + linear * most * 512)
                token, half = divmod(tid - 256, 2)
                for word in range(16):
                    thread.take(row_copy, top + token, (left + 64 * half) // 4 + word)
    return row_copy[: shape[0]], column_copy[:, : shape[0] // 4]


def triton_draws(shape, tile_tokens, tile_features, copy):
    tokens, features = shape
    down, across = -(-tokens // tile_tokens), -(-features // tile_features)
    found = _empty(shape)[copy == "column"]
    for tile in range(down * across):
        group = tile // (8 * down)
        width = min(across - 8 * group, 8)
        pid_n, pid_m = 8 * group + tile % width, tile % (8 * down) // width
        top, left = pid_m * tile_tokens, pid_n * tile_features
        height, length = (tile_tokens, tile_features) if copy == "row" else (tile_features, tile_tokens)
        if copy == "column":
            top, left = left, top
        for row, byte in product(range(height), range(length // 2)):
            if byte % 4 > 1 or top + row >= found.shape[0] or left + 2 * byte >= 4 * found.shape[1]:
                continue
            group = (left + 8 * (byte // 4)) // 4 + byte % 4
            found[top + row, group] = tile * height * length // 2 + row * length // 2 + byte
    return found


def mixed(v):
    """Return the murmur finalizer of a Python int."""
    v ^= v >> 16
    v = v * 0x85EBCA6B % (1 << 32)
    v ^= v >> 13
    v = v * 0xC2B2AE35 % (1 << 32)
    return v ^ v >> 16


def cute_words(copy, base):
    shape = (256, 256) if copy == "row" else (128, 512)
    base &= 0x7FFFFFFF
    found = np.zeros((shape[0], shape[1] // 4), np.uint32)
    for row, block in product(range(shape[0]), range(shape[1] // 16)):
        if copy == "row":
            state = base ^ row * 0x9E3779B1 % (1 << 32) ^ block * 0x85EBCA77 % (1 << 32) ^ 0x00B00200
        else:
            state = base ^ row << 8 ^ block % 16 ^ 0x00C01000
        turns = (0, 0x9E3779B9, 0x7F4A7C15, 0xBB67AE85)
        found[row, 4 * block : 4 * block + 4] = [mixed(state ^ t) for t in turns]
    return found


def fouroversix_words(seed):
    found = np.zeros((32, 32), np.uint32)
    for row, block, byte in product(range(32), range(8), (0, 1, 4, 5)):
        word = philox4x32((row % 16 * 64 + block % 4 * 16 + byte, 0, 0, 0), (seed, 0))[0]
        found[row, 4 * block + byte // 4 * 2 + byte % 4] = word
    return found


def quartet_noise(seed):
    found = np.zeros((64, 128), np.uint32)
    for block, thread in product(range(2), range(8)):
        for half in range(2):
            key = (seed + half) & 0xFFFFFFFF, (seed + half) >> 32
            four = philox4x32((thread, block, 0, 0), key)
            first = 8 * (thread + 8 * block) + 4 * half
            found[:32, first : first + 4] = [w & 0xFFFF for w in four]
            found[32:, first : first + 4] = [w >> 16 for w in four]
    return found
