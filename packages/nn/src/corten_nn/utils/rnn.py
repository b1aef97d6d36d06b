"""Batches of sequences of different lengths: padded to the longest, or packed without padding."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from corten_nn._backend import Tensor, core
from corten_nn.functional.padding import pad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Self

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences without padding: the first elements of all in `data`, then the second of those that have one, ...

    `batch_sizes` counts the sequences that have an element at each step; these are in falling order of length, to
    which `sorted_indices` leads from the order in which they were given, and `unsorted_indices` back. Made by
    `pack_sequence` and `pack_padded_sequence`.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Take the parts; without `batch_sizes`, `data` is the pair of both."""
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in nn.utils.rnn."
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data as `Tensor.to` does, and move the indices to its device."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        order, order_back = (None if x is None else x.to(data.device) for x in self[2:])
        return PackedSequence(data, self.batch_sizes, order, order_back)

    def cuda(self, device: Any = "cuda") -> PackedSequence:
        """Move to a CUDA device."""
        return self.to(device)

    def cpu(self) -> PackedSequence:
        """Move to the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """Convert to float64."""
        return self.to(core.float64)

    def float(self) -> PackedSequence:
        """Convert to float32."""
        return self.to(core.float32)

    def half(self) -> PackedSequence:
        """Convert to float16."""
        return self.to(core.float16)

    def long(self) -> PackedSequence:
        """Convert to int64."""
        return self.to(core.int64)

    def int(self) -> PackedSequence:
        """Convert to int32."""
        return self.to(core.int32)

    def short(self) -> PackedSequence:
        """Convert to int16."""
        return self.to(core.int16)

    def char(self) -> PackedSequence:
        """Convert to int8."""
        return self.to(core.int8)

    def byte(self) -> PackedSequence:
        """Convert to uint8."""
        return self.to(core.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return bool(self.data.is_cuda)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes the given one."""
    return None if permutation is None else permutation.argsort()


def _positions(sizes: list[int], width: int, batch_first: bool, length: int) -> list[int]:
    """Where each packed element stands in a padded batch of `width` sequences, its first two dimensions as one."""
    if batch_first:
        return [i * length + step for step, size in enumerate(sizes) for i in range(size)]
    return [step * width + i for step, size in enumerate(sizes) for i in range(size)]


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch (L, N, ...), or (N, L, ...) with `batch_first`, of sequences with the given `lengths`.

    These must fall unless `enforce_sorted` is false.
    """
    batch_dim = 0 if batch_first else 1
    lengths = core.as_tensor(lengths, dtype=core.int64, device="cpu")
    order = None
    if not enforce_sorted:
        lengths, order = core.sort(lengths, descending=True)
        order = order.to(input.device)
        input = input.index_select(batch_dim, order)
    counts = lengths.tolist()
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(counts) != input.size(batch_dim):
        raise RuntimeError(
            "Expected `len(lengths)` to be equal to batch_size, but got "
            f"{len(counts)} (batch_size={input.size(batch_dim)})"
        )
    if min(counts) <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if sorted(counts, reverse=True) != counts:
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    longest = input.size(1 - batch_dim)
    if counts[0] > longest:
        raise RuntimeError(f"Expected lengths of at most {longest}, the padded length, but got {counts[0]}")
    sizes = [sum(count > step for count in counts) for step in range(counts[0])]
    positions = core.tensor(_positions(sizes, len(counts), batch_first, longest), device=input.device)
    return PackedSequence(input.flatten(0, 1).index_select(0, positions), core.tensor(sizes), order, None)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return the padded batch, at least `total_length` long, and the lengths: the inverse of packing."""
    data, batch_sizes, _, order_back = sequence
    sizes = batch_sizes.tolist()
    length = len(sizes)
    if total_length is not None:
        if total_length < length:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {length}"
            )
        length = total_length
    width = sizes[0]
    positions = core.tensor(_positions(sizes, width, batch_first, length), device=data.device)
    padded = data.new_full((length * width, *data.shape[1:]), padding_value).index_copy(0, positions, data)
    padded = padded.unflatten(0, (width, length) if batch_first else (length, width))
    lengths = core.tensor([sum(size > i for size in sizes) for i in range(width)])
    if order_back is not None:
        return padded.index_select(0 if batch_first else 1, order_back), lengths[order_back.cpu()]
    return padded, lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Stack sequences (L, ...) of different lengths to (L, N, ...), or (N, L, ...), with padding on one side."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    tensors: list[Tensor] = list(sequences)
    if not tensors:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    length = max(tensor.size(0) for tensor in tensors)
    padded = []
    for tensor in tensors:
        missing = length - tensor.size(0)
        amounts = (missing, 0) if padding_side == "left" else (0, missing)
        padded.append(pad(tensor, [0, 0] * (tensor.dim() - 1) + [*amounts], value=padding_value))
    return core.stack(padded, 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """Return the sequences of a padded batch, cut to their lengths."""
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    return [sequence[: int(length)].clone() for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack sequences (L, ...); their lengths must fall unless `enforce_sorted` is false.

    >>> nn.utils.rnn.pack_sequence([torch.tensor([1, 2, 3]), torch.tensor([4])]).data
    tensor([1, 4, 2, 3])
    """
    lengths = [sequence.size(0) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Return the sequences that `pack_sequence` was given."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
