"""Operators as programs call them, by position and by name, beside PyTorch: results, or the same error."""

import pytest

from tests.programs import assert_like_pytorch

pytest.importorskip("torch")

SHAPES = """
t.cat([t.ones(2, 1), t.zeros(2, 2)], dim=1)
t.cat((t.ones(2), t.zeros(2, dtype=t.float64)))
t.cat([t.ones(0), t.ones(2, 3)])
t.cat([t.ones(2, 3), t.ones(2, 2)])
t.cat([])
t.cat(tensors=[t.ones(1)], axis=0)
t.concat([t.ones(1), t.ones(1)])
t.concatenate([t.ones(1), t.ones(1)], axis=0)
t.concatenate([t.ones(1), t.ones(1)], dim=0)
x = t.empty(0); r = t.cat([t.ones(1), t.ones(2)], out=x); (r is x, x)
t.stack([t.ones(2), t.zeros(2)], 1)
t.stack([t.ones(2), t.zeros(3)])
t.hstack([t.ones(2), t.zeros(2)])
t.vstack([t.ones(2), t.zeros(2)])
t.dstack([t.ones(2), t.zeros(2)])
t.column_stack([t.ones(2), t.zeros(2, 2)])
t.row_stack([t.ones(2), t.zeros(2)])
t.chunk(t.arange(11), 6)
t.chunk(t.arange(11), chunks=6, dim=0)
t.split(t.arange(10).reshape(5, 2), 2)
t.split(t.arange(10).reshape(5, 2), [1, 4])
t.split(t.arange(10).reshape(5, 2), [1, 3])
t.arange(10).split(3)
t.split(t.arange(10), split_size_or_sections=4)
t.tensor_split(t.arange(8), 3)
t.tensor_split(t.arange(7), (1, 6))
t.tensor_split(t.arange(14).reshape(2, 7), t.tensor([1, 6]), dim=1)
t.index_select(t.arange(6).view(2, 3), 1, t.tensor([0, 2]))
t.masked_select(t.arange(6).view(2, 3), t.tensor([True, False, True]))
t.take(t.arange(6).view(2, 3), t.tensor([0, 5, -1]))
t.take(t.arange(6).view(2, 3), t.tensor([6]))
t.take_along_dim(t.arange(6).view(2, 3), t.tensor([[0], [1]]), 1)
t.gather(t.tensor([[1, 2], [3, 4]]), 1, t.tensor([[0, 0], [1, 0]]))
t.gather(t.tensor([[1, 2], [3, 4]]), 1, t.tensor([[0, 2]]))
t.zeros(3, 5).scatter_(0, t.tensor([[0, 1, 2, 0, 0]]), t.arange(1.0, 11).reshape(2, 5))
t.zeros(2, 4).scatter_(1, t.tensor([[2], [3]]), 1.23)
t.full((2, 4), 2.0).scatter_(1, t.tensor([[2], [3]]), 1.23, reduce='multiply')
t.full((2, 4), 2.0).scatter_(1, t.tensor([[2], [3]]), 1.23, reduce='add')
t.full((2, 4), 2.0).scatter(1, t.tensor([[2], [3]]), t.ones(2, 1), reduce='add')
t.scatter(t.zeros(4), 0, t.tensor([1]), value=3)
t.scatter_add(t.zeros(4), 0, t.tensor([1, 1]), t.ones(2))
t.zeros(4).scatter_reduce(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'sum')
t.zeros(4).scatter_reduce(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'mean', include_self=False)
t.ones(4).scatter_reduce(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'prod')
t.ones(4).scatter_reduce(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'amax')
t.ones(4).scatter_reduce_(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'amin', include_self=False)
t.ones(4).scatter_reduce_(0, t.tensor([1, 1, 2]), t.tensor([3.0, 4.0, 5.0]), 'foo')
t.ones(5, 3).index_add_(0, t.tensor([0, 4, 2]), t.arange(9.0).view(3, 3), alpha=-1)
t.index_add(t.ones(5, 3), 0, t.tensor([0, 4, 2]), t.arange(9.0).view(3, 3))
t.zeros(5, 3).index_copy_(0, t.tensor([0, 4, 2]), t.arange(9.0).view(3, 3))
t.index_copy(t.zeros(3), 0, t.tensor([0]), t.ones(1))
t.zeros(3, 3).index_fill_(1, t.tensor([0, 2]), -1)
t.index_fill(t.zeros(3), 0, t.tensor([1]), t.tensor(5.0))
t.zeros(3, 4).index_fill(1, t.tensor([0, -1]), 2.0)
t.zeros(3, 4).index_fill(1, t.tensor([0, 4]), 2.0)
t.zeros(3, 4).index_copy(1, t.tensor([0, -1]), t.ones(3, 2))
t.zeros(3, 4).index_add(1, t.tensor([0, 7]), t.ones(3, 2))
t.zeros(4).index_add(0, t.tensor([0, 7]), t.ones(2))
t.arange(12.0).view(3, 4)[t.tensor([0, 5, -9])]
t.arange(12.0).view(3, 4)[t.tensor([0]), t.tensor([9])]
t.arange(12).view(3, 4)[[[0, 1], [1, 0]]]
t.arange(12).view(3, 4)[[t.tensor([0, 1]), t.tensor([1, 2])]]
t.arange(12).view(3, 4)[[slice(0, 2), 1]]
t.arange(12).view(3, 4)[[None, ..., 0]]
t.arange(12).view(3, 4)[[[True, False, True]]]
t.arange(12).view(3, 4)[[2, 0]]
t.arange(40).view(40, 1)[[[i] for i in range(32)]]
x = t.zeros(3, 4); x[[[0, 1], [1, 0]]] = 1; x
t.zeros(0, 4)[t.tensor([0])]
t.arange(12.0).view(3, 4)[t.tensor([0, 1, 2, 1]).flip(0)[::2], t.tensor([3, -4])]
t.index_reduce(t.ones(3), 0, t.tensor([0, 0, 1]), t.tensor([2.0, 3.0, 4.0]), 'prod')
t.zeros(3).index_put((t.tensor([1]),), t.tensor(2.0))
t.masked_fill(t.ones(3), t.tensor([True, False, True]), 5)
t.ones(3).masked_fill_(t.tensor([True, False, True]), t.tensor(5.0))
t.ones(4).masked_scatter(t.tensor([True, False, True, False]), t.tensor([7.0, 8.0]))
t.ones(3).masked_fill(t.tensor([1, 0, 1]), 5)
t.reshape(t.arange(4), (2, -1))
t.arange(4).reshape(-1, 3)
t.arange(4).reshape(-1, -1)
t.arange(4).view(2, 2)
t.arange(4).view(t.int32)
t.arange(4.0).view(dtype=t.int32)
t.ones(2, 3).t().view(6)
t.arange(6).view_as(t.ones(2, 3))
t.arange(6).reshape_as(t.ones(2, 3))
t.transpose(t.ones(2, 3), 0, 1).shape
t.transpose(t.ones(2, 3), dim0=0, dim1=-1).shape
t.ones(2, 3).transpose_(0, 1).shape
t.t(t.ones(2, 3)).shape
t.t(t.ones(2, 3, 4))
t.ones(2, 3, 4).T
t.ones(2, 3).mT.shape
t.ones(2, 3).H.shape
t.ones(3).mT
t.swapaxes(t.ones(2, 3), 0, 1).shape
t.swapdims(t.ones(2, 3), dim0=0, dim1=1).shape
t.movedim(t.ones(3, 2, 1), 1, 0).shape
t.movedim(t.ones(3, 2, 1), (1, 2), (0, 1)).shape
t.moveaxis(t.ones(3, 2, 1), source=1, destination=0).shape
t.movedim(t.ones(3, 2, 1), (1, 1), (0, 1))
t.permute(t.ones(2, 3, 5), (2, 0, 1)).shape
t.ones(2, 3, 5).permute(2, 0, 1).shape
t.ones(2, 3, 5).permute(dims=(2, 0, 1)).shape
t.ones(2, 3, 5).permute(2, 0, 0)
t.squeeze(t.ones(2, 1, 2, 1)).shape
t.squeeze(t.ones(2, 1, 2, 1), 1).shape
t.squeeze(t.ones(2, 1, 2, 1), (1, 2, 3)).shape
t.ones(1, 2).squeeze_().shape
t.unsqueeze(t.arange(3), 0)
t.unsqueeze(t.arange(3), -3)
t.arange(3).unsqueeze_(1).shape
t.flatten(t.ones(2, 3, 4), 1).shape
t.flatten(t.ones(2, 3, 4), start_dim=0, end_dim=1).shape
t.flatten(t.tensor(3))
t.flatten(t.ones(2, 3, 4), 2, 1)
t.ravel(t.ones(2, 3)).shape
t.unflatten(t.ones(3, 4, 1), 1, (2, 2)).shape
t.unflatten(t.ones(3, 4, 1), 1, (-1, 2)).shape
t.ones(3, 4).unflatten(dim=-1, sizes=(2, 3))
t.ones(3, 1).expand(3, 4).stride()
t.ones(3, 1).expand(-1, 4).shape
t.ones(3, 1).expand(size=(3, 4)).shape
t.ones(3, 1).expand(2, 4)
t.ones(3, 1).expand_as(t.ones(3, 2)).shape
t.broadcast_to(t.arange(3), (3, 3))
t.broadcast_to(t.arange(3), size=(3, 3))
t.broadcast_tensors(t.arange(3).view(1, 3), t.arange(2).view(2, 1))
t.broadcast_shapes((2,), (3, 1), (1, 1, 1))
t.tensor([1, 2, 3]).repeat(4, 2)
t.tensor([1, 2, 3]).repeat((4, 2))
t.tensor([[1, 2, 3]]).repeat(2)
t.tile(t.tensor([1, 2, 3]), (2,))
t.tensor([[1, 2], [3, 4]]).tile(2)
t.tile(t.tensor([[1, 2], [3, 4]]), dims=(2, 2))
t.repeat_interleave(t.tensor([1, 2, 3]), 2)
t.tensor([1, 2, 3]).repeat_interleave(t.tensor([1, 0, 2]))
t.repeat_interleave(t.tensor([[1, 2], [3, 4]]), t.tensor([1, 2]), dim=0)
t.repeat_interleave(t.tensor([[1, 2], [3, 4]]), 3, dim=1)
t.repeat_interleave(t.tensor([[1, 2], [3, 4]]), t.tensor([1, 2]), dim=0, output_size=3)
t.roll(t.arange(8).view(4, 2), 1)
t.roll(t.arange(8).view(4, 2), 1, 0)
t.roll(t.arange(8).view(4, 2), shifts=(2, 1), dims=(0, 1))
t.flip(t.arange(8).view(2, 2, 2), [0, 1])
t.arange(4).view(2, 2).flip(0, 1)
t.flip(t.arange(4).view(2, 2), dims=(0,))
t.tril(t.ones(3, 3), diagonal=-1)
t.triu(t.ones(3, 3), 1)
t.ones(2, 3).tril_()
t.tril(t.ones(3))
t.diag(t.tensor([1.0, 2.0]))
t.diag(t.ones(3, 3), 1)
t.diag(t.ones(2), diagonal=-1)
t.diagonal(t.arange(9).view(3, 3), 1)
t.diagonal(t.arange(8).view(2, 2, 2), offset=0, dim1=1, dim2=2)
t.diag_embed(t.ones(2, 3)).shape
t.diag_embed(t.ones(2, 3), offset=1, dim1=0, dim2=2).shape
t.diagflat(t.ones(2, 2))
t.diagonal_scatter(t.zeros(3, 3), t.ones(3), 0)
t.select_scatter(t.zeros(2, 2), t.ones(2), 0, 0)
t.slice_scatter(t.zeros(8, 2), t.ones(2, 2), start=6)
t.arange(7.0).unfold(0, 2, 1)
t.arange(7.0).unfold(0, 2, 2)
t.arange(7.0).unfold(dimension=0, size=2, step=3)
t.where(t.tensor([True, False]), t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]))
t.where(t.tensor([True, False]), 1.0, t.tensor([3, 4]))
t.where(t.tensor([True, False]), 1.0, 0.0)
t.where(t.tensor([True, False]), 1, 2)
t.where(t.tensor([[True, False], [True, True]]))
t.where(condition=t.tensor([True]), input=t.ones(1), other=t.zeros(1))
t.ones(2).where(t.tensor([True, False]), t.zeros(2))
t.where(t.tensor([1, 0]), 1, 2)
t.nonzero(t.tensor([1, 1, 1, 0, 1]))
t.nonzero(t.tensor([[0.6, 0.0], [0.0, 0.4]]), as_tuple=True)
t.tensor([0, 1]).nonzero(as_tuple=True)
t.tensor([0, 1]).nonzero()
t.nonzero(t.tensor(5))
t.nonzero(t.tensor(5), as_tuple=True)
t.nonzero_static(t.tensor([0, 1, 1]), size=3)
t.argwhere(t.tensor([[1, 0], [0, 1]]))
t.count_nonzero(t.tensor([[1, 0], [0, 1]]), dim=0)
t.sort(t.tensor([3.0, 1.0, 2.0]))
t.sort(t.tensor([3.0, 1.0, 2.0]), descending=True)
t.sort(t.tensor([3.0, 1.0, 2.0]), dim=0, descending=True, stable=True)
t.sort(t.tensor([3.0, 1.0, 2.0]), stable=True)
t.tensor([3, 1, 2]).sort(0, True)
t.sort(t.tensor([3.0, float('nan'), 2.0]))
v, i = (t.empty(0), t.empty(0, dtype=t.int64)); r = t.sort(t.tensor([3.0, 1.0]), out=(v, i)); (r[0] is v, r[1] is i, v, i)
t.sort(t.tensor([3.0, 1.0, 2.0])).values
type(t.sort(t.tensor([3.0, 1.0, 2.0]))).__name__
t.argsort(t.tensor([3.0, 1.0, 2.0]), descending=True)
t.argsort(t.tensor([3.0, 1.0, 2.0]), stable=True)
t.msort(t.tensor([[3, 1], [1, 2]]))
t.topk(t.arange(1.0, 6.0), 3)
t.topk(t.arange(1.0, 6.0), k=3, dim=0, largest=False, sorted=True)
t.topk(t.arange(1.0, 6.0), 6)
t.topk(t.ones(2, 3), 2).indices.shape
t.kthvalue(t.arange(1.0, 6.0), 4)
t.unique(t.tensor([1, 3, 2, 3]))
t.unique(t.tensor([1, 3, 2, 3]), sorted=True, return_inverse=True, return_counts=True)
t.unique(t.tensor([[1, 3], [2, 3], [1, 3]]), dim=0, return_counts=True)
t.tensor([1, 3, 1]).unique(return_counts=True)
t.unique_consecutive(t.tensor([1, 1, 2, 2, 3, 1, 1, 2]), return_inverse=True)
t.unique(t.tensor([1.0, float('nan'), float('nan')]))
t.narrow(t.arange(9).view(3, 3), 0, 0, 2)
t.arange(9).view(3, 3).narrow(1, 1, 3)
t.select(t.arange(9).view(3, 3), 0, 1)
t.unbind(t.arange(4).view(2, 2))
t.unbind(t.arange(4).view(2, 2), dim=1)
t.hsplit(t.arange(4), 2)
t.vsplit(t.arange(4).view(4, 1), [1])
t.dsplit(t.ones(1, 2, 4), 2)
t.adjoint(t.ones(2, 3)).shape
t.as_strided(t.arange(6), (2, 2), (1, 2), 1)
t.atleast_1d(t.tensor(1))
t.atleast_2d(t.tensor(1), t.ones(2))
t.atleast_3d([t.tensor(1)])
t.block_diag(t.ones(2, 2), t.tensor([3]))
t.cartesian_prod(t.tensor([1, 2]), t.tensor([4, 5]))
t.combinations(t.tensor([1, 2, 3]), r=2, with_replacement=True)
t.ones(2, 3).contiguous().is_contiguous()
t.ones(2, 3).is_contiguous(memory_format=t.contiguous_format)
t.ones(1, 2, 3, 4).to(memory_format=t.channels_last).stride()
t.ones(1, 2, 3, 4).contiguous(memory_format=t.channels_last).is_contiguous(memory_format=t.channels_last)
x = t.zeros(3, 3); x[0] = 1; x[:, 1] = t.tensor([7.0, 8.0, 9.0]); x[x > 8] = -1; x
x = t.arange(9).view(3, 3); x[[0, 2], [1, 2]]
x = t.arange(9).view(3, 3); x[..., None, 1].shape
x = t.arange(9).view(3, 3); x[t.tensor([True, False, True])]
x = t.arange(9).view(3, 3); x[5]
x = t.arange(9).view(3, 3); x[0, 0, 0]
x = t.arange(9).view(3, 3); x[1.5]
x = t.arange(9).view(3, 3); x[t.tensor([5])]
x = t.arange(9).view(3, 3); x[:2, ::2]
x = t.zeros(2, 2); x[0] = t.ones(3)
x = t.zeros(2, 2); x[0, 0] = 'a'
t.ones(3).put_(t.tensor([0]), t.tensor([5.0]))
(t.ones(3).ndim, t.ones(3).nelement(), t.ones(3).element_size(), t.ones(3).nbytes, t.ones(3).itemsize)
t.numel(t.ones(2, 3))
(t.ones(2, 3).size(1), t.ones(2, 3).size(), t.ones(2, 3).dim(), t.ones(2).is_floating_point())
t.ones(2, 3).size(dim=0)
t.ones(2, 3).stride(0)
t.ones(2, 3).size(2)
t.ones(2, 3).shape.numel()
t.ones(2, 3).shape + (4,)
t.ones(2, 3).shape[:1]
t.is_storage(t.ones(1)), t.is_storage(t.ones(1).storage()), t.is_storage(t.ones(1).untyped_storage())
t.is_nonzero(t.tensor([1]))
t.ones(2, 3).index_select(dim=0, index=t.tensor([1]))
F.avg_pool2d(t.arange(16.0).view(1, 1, 4, 4), 2, None)
F.max_pool1d(t.arange(4.0).view(1, 1, 4), 2, None)
t.roll(t.arange(4), 1, None)
F.adaptive_avg_pool2d(t.zeros(0, 2, 12), 3).shape
F.adaptive_avg_pool2d(t.zeros(2, 0, 12, 12), 3).shape
F.adaptive_max_pool2d(t.zeros(0, 12, 12), 3).shape
F.adaptive_avg_pool3d(t.zeros(0, 12, 12, 12), 3).shape
x = t.zeros(0, 2, 12, 12, requires_grad=True); F.adaptive_max_pool2d(x, 3).sum().backward(); x.grad.shape
F.pad(t.arange(24.0).view(1, 4, 6), (-1, 3, 2, -2), mode='circular')
F.pad(t.arange(4.0).view(1, 1, 4), (2, -1), mode='circular')
(t.zeros(3).copy_(1.5), t.zeros(3, dtype=t.int64).copy_(1.5), t.zeros(2).copy_(True), t.zeros(2, dtype=t.complex64).copy_(1j, non_blocking=True))
x = t.zeros(3, dtype=t.float64); x[t.tensor([True, False, True])] = t.tensor([1.5]); x
x = t.zeros(3, 2, dtype=t.int64); x[t.tensor([True, False, True])] = t.tensor([[1.5]]); x
x = t.zeros(3, 2, dtype=t.int64); x[t.tensor([True, False, True]), 0:1] = t.tensor([1.5]); x
t.zeros(3).index_put_((t.tensor([True, False, True]),), t.tensor([1.5], dtype=t.float64))
t.zeros(3).index_put_((t.tensor([True, False, True]),), t.tensor([1.5], dtype=t.float64), accumulate=True)
x = t.zeros(3); x[t.tensor([True, False, True])] = t.tensor([1j])
x = t.zeros(3, 2); x[t.tensor([True, False, True]), 0:1] = t.tensor([1j])
x = t.zeros(3); x[t.tensor([0, 2])] = t.tensor([1.5], dtype=t.float64)
"""

MATH = """
(t.Size([1, 2]).numel(), t.Size((3,)), t.Size([1, 2]) == (1, 2), t.Size([1, 2])[0])
t.Size(['a'])
t.ones(2) @ t.ones(3)
t.ones(2, 3) + t.ones(2, 2)
t.ones(2)[2]
t.ones(2).view(3)
t.ones(2).reshape(3)
t.ones(2).sum(3)
t.ones(2).add_(t.ones(2, 2))
t.ones(2, dtype=t.int64).add_(1.5)
t.ones(2).foo
t.ones(2)('a')
t.ones(2).expand(3, 3)
t.stack([])
t.ones('a')
t.ones(2).fill_('a')
t.where(1)
t.tensor([1, 2]).float().mean(dim=0).item()
t.tensor([1, 2]).mean()
(t.tensor([1.0, 2.0]).std(), t.tensor([1.0, 2.0]).var(unbiased=False))
t.arange(6).reshape(2, 3).float().T.contiguous().stride()
x = t.ones(2)
t.arange(10).split(split_size=3)
t.tensor_split(t.arange(7), indices=(1, 6))
t.tensor_split(t.arange(7), sections=3)
t.swapaxes(t.ones(2, 3), axis0=0, axis1=1).shape
t.ones(2, 3).swapaxes(axis0=0, axis1=1).shape
reversed(t.arange(6).view(2, 3))
t.arange(3).__reversed__()
x = t.empty(0); r = t.norm(t.ones(2), out=x); (r is x, x)
x = t.empty(0); r = t.norm(t.ones(2, 2), 'fro', out=x); (r is x, x)
x = t.empty(0); r = t.norm(t.ones(2, 2), p='nuc', dim=(0, 1), out=x); (r is x, x)
x = t.empty(0); r = t.nanmean(t.tensor([1.0, float('nan')]), out=x); (r is x, x)
t.linalg.norm(input=t.ones(2))
t.special.bessel_j0(input=t.zeros(2))
[x.tolist() for x in t.linalg.inv_ex(t.eye(2), out=(t.empty(0), t.empty(0, dtype=t.int32)))]
[x.tolist() for x in t.linalg.cholesky_ex(t.eye(2), out=(t.empty(0), t.empty(0, dtype=t.int32)))]
[x.tolist() for x in t.triangular_solve(t.ones(2, 1), t.eye(2), out=(t.empty(0), t.empty(0)))]
t.addmm(t.ones(2, 2), t.ones(2, 3), t.ones(3, 2), beta=2, alpha=0.5)
t.addmm(t.ones(2, 2), t.ones(2, 3), t.ones(2, 2))
t.addmm(t.ones(2, 2).int(), t.ones(2, 3).int(), t.ones(3, 2).int())
t.addbmm(t.ones(2, 2), t.ones(4, 2, 3), t.ones(4, 3, 2), beta=0)
t.baddbmm(t.ones(4, 2, 2), t.ones(4, 2, 3), t.ones(4, 3, 2), alpha=2)
t.addmv(t.ones(2), t.ones(2, 3), t.ones(3))
t.addr(t.zeros(3, 2), t.arange(3.0), t.arange(2.0))
t.mv(t.ones(2, 3), t.ones(3))
t.mv(t.ones(2, 3), t.ones(2))
t.mm(t.ones(2, 3), t.ones(3, 2))
t.mm(t.ones(2, 3), t.ones(2, 3))
t.mm(t.ones(2, 3), mat2=t.ones(3, 1))
t.mm(t.ones(2, 3), t.ones(3, 2).double())
t.bmm(t.ones(2, 2, 3), t.ones(2, 3, 1))
t.dot(t.ones(3), t.ones(3))
t.dot(t.ones(3), t.ones(2))
t.dot(input=t.ones(3), tensor=t.ones(3))
t.inner(t.ones(2, 3), t.ones(3))
t.outer(t.arange(3), t.arange(2))
t.outer(input=t.arange(3), vec2=t.arange(2))
t.ger(t.arange(3.0), t.arange(2.0))
t.tensordot(t.ones(2, 3, 4), t.ones(3, 4, 5), dims=2).shape
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=([1], [0])).shape
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=1, out=t.empty(0)).shape
t.einsum('ij,jk->ik', t.ones(2, 3), t.ones(3, 2))
t.einsum('bn,anm,bm->ba', t.ones(2, 5), t.ones(3, 5, 4), t.ones(2, 4))
t.einsum('...ij->...ji', t.ones(2, 3, 4)).shape
t.einsum('ii', t.ones(3, 3))
t.einsum('ij,jk', [t.ones(2, 3), t.ones(3, 2)])
t.kron(t.eye(2), t.ones(2, 2))
t.cross(t.tensor([1.0, 0, 0]), t.tensor([0.0, 1, 0]), dim=0)
t.linalg.cross(t.tensor([1.0, 0, 0]), t.tensor([0.0, 1, 0]))
t.vdot(t.tensor([1 + 1j]), t.tensor([1j]))
t.matmul(t.ones(3), t.ones(3))
t.matmul(t.ones(2, 3), t.ones(3))
t.matmul(t.ones(5, 2, 3), t.ones(3, 2)).shape
t.matmul(t.tensor(1.0), t.ones(3))
t.chain_matmul(t.ones(2, 3), t.ones(3, 2))
t.matrix_power(t.ones(2, 2), 3)
t.lerp(t.zeros(2), t.ones(2), 0.5)
t.lerp(t.zeros(2), t.ones(2), t.tensor([0.2, 0.3]))
t.addcmul(t.ones(2), t.ones(2), t.ones(2), value=0.1)
t.addcdiv(t.ones(2), t.ones(2), t.ones(2), value=0.1)
t.add(t.ones(2), t.ones(2), alpha=3)
t.sub(t.ones(2), 1, alpha=2)
t.rsub(t.ones(2), 3)
t.subtract(t.ones(2), 1)
t.mul(t.ones(2), 2); t.multiply(t.ones(2), 2)
t.div(t.tensor([5.0, -5.0]), 2, rounding_mode='floor')
t.div(t.tensor([5, -5]), 2, rounding_mode='trunc')
t.div(t.tensor([5, -5]), 2)
t.div(t.tensor([5, -5]), 0, rounding_mode='floor')
t.true_divide(t.tensor([5]), 2)
t.floor_divide(t.tensor([5.0, -5.0]), 2)
t.remainder(t.tensor([-3.0, 3.0]), 2)
t.remainder(-3, t.tensor([2]))
t.fmod(t.tensor([-3.0, 3.0]), 2)
t.fmod(t.tensor([3]), 0)
t.remainder(t.tensor([3]), 0)
t.pow(t.tensor([2.0]), 3)
t.pow(2, t.tensor([1.0, 2.0]))
t.pow(t.tensor([2]), -1)
t.float_power(t.tensor([2]), -1)
t.clamp(t.arange(4.0), 1, 2)
t.clamp(t.arange(4.0), min=1)
t.clamp(t.arange(4.0))
t.clamp(t.arange(4.0), t.ones(4), t.full((4,), 2.0))
t.clip(t.arange(4.0), max=2)
t.sum(t.ones(2, 3), dim=(0, 1), keepdim=True)
t.sum(t.ones(2, 3), axis=0)
t.sum(t.ones(2), dtype=t.float64)
t.ones(2, 3).sum(axis=1, keepdims=True)
t.mean(t.ones(2, dtype=t.int64))
t.mean(t.ones(2, 3), 1, True)
t.std(t.arange(4.0), unbiased=False)
t.std(t.arange(4.0), correction=0)
t.std(t.arange(4.0).view(2, 2), 1, correction=0, keepdim=True)
t.var(t.arange(4.0), 0, False)
t.std(t.ones(1))
t.max(t.ones(2, 2), 1)
t.max(t.ones(2), t.zeros(2))
t.max(t.empty(0))
t.min(t.arange(4.0).view(2, 2), dim=0, keepdim=True)
t.amax(t.arange(4.0).view(2, 2), dim=(0, 1))
t.aminmax(t.arange(4.0))
t.aminmax(t.arange(4.0).view(2, 2), dim=0)
t.argmax(t.arange(4.0).view(2, 2))
t.argmax(t.arange(4.0).view(2, 2), dim=1, keepdim=True)
t.argmin(t.empty(0))
t.all(t.tensor([True, False])); t.any(t.tensor([[True, False]]), dim=0)
t.all(t.ones(2, 2), dim=(0, 1))
t.prod(t.arange(1, 5))
t.prod(t.arange(1.0, 5.0).view(2, 2), dim=1, dtype=t.float64)
t.logsumexp(t.ones(2, 2), 1)
t.norm(t.ones(3))
t.norm(t.ones(3, 3), p='fro')
t.norm(t.ones(3, 3), p='nuc')
t.norm(t.ones(3, 3), p=1, dim=0)
t.norm(t.ones(3), float('inf'))
t.norm(t.ones(3, 3), p=2, dim=(0, 1), keepdim=True, dtype=t.float64)
t.dist(t.ones(2), t.zeros(2), 3)
t.median(t.tensor([1.0, 3.0, 2.0]))
t.median(t.tensor([[1.0, 3.0, 2.0]]), 1)
t.nanmedian(t.tensor([1.0, float('nan')]))
t.mode(t.tensor([1, 1, 2]))
t.nansum(t.tensor([1.0, float('nan')]))
t.nanmean(t.tensor([1.0, float('nan')]))
t.quantile(t.arange(5.0), t.tensor([0.25, 0.5]))
t.cumsum(t.arange(4), 0)
t.cumprod(t.arange(1.0, 4.0), dim=0, dtype=t.float64)
t.cummax(t.tensor([1.0, 3.0, 2.0]), 0)
t.cummin(t.tensor([1.0, 3.0, 2.0]), dim=0)
t.logcumsumexp(t.arange(3.0), 0)
t.diff(t.tensor([1, 3, 2]))
t.eq(t.ones(2), 1); t.ne(t.ones(2), t.zeros(2))
t.equal(t.ones(2), t.ones(2))
t.allclose(t.ones(2), t.ones(2) + 1e-09)
t.isclose(t.ones(2), t.ones(2) + 0.001, rtol=0.01)
t.isclose(t.tensor(float('nan')), t.tensor(float('nan')), equal_nan=True)
(t.greater(t.ones(2), 0), t.greater_equal(t.ones(2), 1), t.less(t.ones(2), 0), t.less_equal(t.ones(2), 1), t.not_equal(t.ones(2), 1))
t.isin(t.tensor([1, 2]), t.tensor([2]))
(t.maximum(t.ones(2), t.zeros(2)), t.minimum(t.ones(2), t.zeros(2)), t.fmax(t.ones(2), t.tensor([float('nan'), 2])), t.fmin(t.ones(2), t.zeros(2)))
(t.bitwise_and(t.tensor([3]), 2), t.bitwise_or(t.tensor([3]), 4), t.bitwise_xor(t.tensor([3]), 1), t.bitwise_not(t.tensor([3])), t.bitwise_left_shift(t.tensor([3]), 1), t.bitwise_right_shift(t.tensor([3]), 1))
(t.logical_and(t.tensor([1, 0]), t.tensor([1, 1])), t.logical_or(t.tensor([1, 0]), t.tensor([1, 1])), t.logical_not(t.tensor([1.0, 0])), t.logical_xor(t.tensor([1, 0]), t.tensor([1, 1])))
t.nan_to_num(t.tensor([float('nan'), float('inf')]), nan=1.0, posinf=2.0)
t.bucketize(t.tensor([3, 6]), t.tensor([1, 3, 5, 7]), right=True)
t.searchsorted(t.tensor([1, 3, 5]), t.tensor([2, 3]), side='right', out_int32=True)
t.bucketize(3, t.tensor([1, 3]))
t.histc(t.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
t.histogram(t.tensor([1.0, 2.0, 1.0]), bins=4, range=(0.0, 3.0), density=True)
t.bincount(t.tensor([0, 1, 1]), minlength=4)
t.cdist(t.ones(2, 2), t.zeros(3, 2))
(t.corrcoef(t.tensor([[1.0, 2, 3], [3, 1, 2]])), t.cov(t.tensor([[1.0, 2, 3], [3, 1, 2]])))
(t.trapezoid(t.arange(4.0), dx=2), t.trace(t.eye(3)))
t.renorm(t.ones(2, 2), 2, 0, 1.0)
(t.frexp(t.tensor([3.0])), t.ldexp(t.tensor([1.0]), t.tensor([3])), t.hypot(t.tensor([3.0]), t.tensor([4.0])), t.logaddexp(t.zeros(1), t.zeros(1)), t.logaddexp2(t.zeros(1), t.zeros(1)))
(t.angle(t.tensor([1j])), t.real(t.tensor([1j])), t.imag(t.tensor([1j])), t.conj(t.tensor([1j])), t.conj_physical(t.tensor([1j])), t.view_as_real(t.tensor([1j])), t.view_as_complex(t.ones(1, 2)), t.is_complex(t.ones(1)))
(t.sgn(t.tensor([3 + 4j])), t.sign(t.tensor([-2.0])), t.signbit(t.tensor([-0.0])), t.copysign(t.ones(1), -1.0), t.nextafter(t.ones(1), t.zeros(1)))
(t.gcd(t.tensor([12]), t.tensor([8])), t.lcm(t.tensor([12]), t.tensor([8])))
(t.deg2rad(t.tensor([180.0])), t.rad2deg(t.tensor([3.0])), t.rsqrt(t.tensor([4.0])), t.square(t.tensor([3])), t.frac(t.tensor([1.5])), t.trunc(t.tensor([-1.5])), t.fix(t.tensor([1.5])), t.round(t.tensor([1.2345]), decimals=2))
(t.erf(t.ones(1)), t.erfc(t.ones(1)), t.erfinv(t.tensor([0.5])), t.lgamma(t.tensor([3.0])), t.digamma(t.ones(1)), t.polygamma(1, t.ones(1)), t.mvlgamma(t.tensor([3.0]), 2), t.igamma(t.ones(1), t.ones(1)), t.igammac(t.ones(1), t.ones(1)), t.i0(t.ones(1)), t.sinc(t.ones(1)), t.logit(t.tensor([0.3]), eps=1e-06), t.xlogy(t.ones(1), 2.0))
(t.cumulative_trapezoid(t.arange(3.0)), t.gradient(t.arange(3.0)), t.vander(t.arange(3.0), 2, increasing=True), t.vander(t.arange(3.0), N=2))
(t.positive(t.ones(1)), t.neg(t.ones(1)), t.negative(t.ones(1)), t.absolute(-t.ones(1)), t.reciprocal(t.tensor([2])), t.exp2(t.ones(1)), t.expm1(t.ones(1)), t.log1p(t.ones(1)), t.log2(t.ones(1)), t.log10(t.ones(1)))
t.neg(t.tensor([True]))
t.ones(2, dtype=t.bool) - t.ones(2, dtype=t.bool)
(t.arccos(t.ones(1)), t.arcsin(t.ones(1)), t.arctan(t.ones(1)), t.arctan2(t.ones(1), t.ones(1)), t.arccosh(t.ones(1)), t.arcsinh(t.ones(1)), t.arctanh(t.zeros(1)), t.atan2(t.ones(1), t.ones(1)))
x = t.empty(0, dtype=t.float64); r = t.add(t.ones(2), t.ones(2), out=x); (r is x, x)
x = t.empty(0, dtype=t.int64); r = t.add(t.ones(2), t.ones(2), out=x)
x = t.empty(3); r = t.add(t.ones(2), t.ones(2), out=x); x
(t.result_type(t.ones(1), 1.0), t.promote_types(t.int32, t.float16), t.can_cast(t.int32, t.float16))
t.result_type(tensor=t.ones(1), other=1)
t.cumsum(t.ones(2), axis=0)
t.std(t.ones(2), out=t.empty(0), dim=0)
(t.ones(3).clamp_min(2), t.ones(3).clamp_max(0))
t.ones(2).add_(1).mul_(2).sub_(1).div_(3).pow_(2)
(t.ones(2).addcmul_(t.ones(2), t.ones(2)), t.ones(2).addcdiv_(t.ones(2), t.ones(2)), t.ones(2).lerp_(t.zeros(2), 0.3))
(t.randn(3).uniform_(-1, 1), t.ones(3).normal_(2, 3), t.ones(3).exponential_(2), t.ones(3).geometric_(0.3), t.ones(3).log_normal_(), t.ones(3).cauchy_(), t.ones(3).random_(5), t.ones(3).bernoulli_(0.3))
t.set_anomaly_enabled(True); a = (t.is_anomaly_enabled(), t.is_anomaly_check_nan_enabled()); t.set_anomaly_enabled(False, False); b = t.is_anomaly_check_nan_enabled(); t.set_anomaly_enabled(False); (a, b)
t.vander(t.tensor([1, 2, 3]), 0)
t.vander(t.tensor([1, 2, 3]), -1)
t.vander(t.ones(2, 2))
t.vander(t.tensor([True]))
t.vander(t.tensor([]))
t.vander(t.tensor([1, 2, 3]), N=5, increasing=True)
t.vander(t.tensor([1.0, 2, 3]), 1)
t.vander(t.tensor([1.0, 2j]))
t.autograd.Variable()
t.autograd.Variable(None)
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=1, out=t.empty(0))
t.searchsorted(t.tensor([1, 3, 5]), t.tensor([2, 3]), out=t.empty(0, dtype=t.int64))
t.bucketize(t.tensor([2, 3]), t.tensor([1, 3, 5]), out=t.empty(0, dtype=t.int64))
[x.tolist() for x in t.lu(t.tensor([[1.0, 2], [3, 4]]))]
[x.tolist() for x in t.lu(t.tensor([[1.0, 2], [3, 4]]), get_infos=True)]
t.lu(t.zeros(2, 2), get_infos=True)[2]
t.manual_seed(2.5).initial_seed()
t.from_dlpack(t.ones(2), copy=True)
t.from_dlpack(t.ones(2), copy=False)
t.from_dlpack(t.ones(2), device='cpu')
t.from_dlpack(t.ones(2).__dlpack__(), copy=True)
t.autograd.Variable([1])
isinstance(nn.Parameter(t.ones(1)), t.autograd.Variable)
isinstance(3, t.autograd.Variable)
t.lu(t.zeros(2, 2))[0].tolist()
t.orgqr(*t.geqrf(t.arange(6.0).double().view(3, 2).sin())).tolist()
(t.tensor([1e30, 2e30]).std(), t.std_mean(t.tensor([[3e38, 3e38], [1.0, 3.0]]), 1), t.tensor([1e30, 2e30]).var())
x = t.ones(3, dtype=t.bfloat16, requires_grad=True); t.real(x).sum().backward(); (x.grad, t.real(x) is x)
x = t.tensor([1j, 2], requires_grad=True); (x.real * x.imag + x.imag).sum().backward(); x.grad
x = t.tensor([1.0, 2.0], requires_grad=True); y = t.tensor([1.0, 3.0], requires_grad=True); t.nextafter(x, y).sum().backward(); (x.grad, y.grad)
(F.rms_norm(t.full((4,), 300.0, dtype=t.float16), (4,)), F.rms_norm(t.tensor([0.001, 0.002], dtype=t.bfloat16), (2,)))
x = t.tensor([[300.0, 400.0]], dtype=t.float16, requires_grad=True); y = F.cosine_similarity(x, x.detach().flip(1)); y.sum().backward(); (y, x.grad.isfinite())
F.group_norm(t.ones(1, 2, 2, dtype=t.bfloat16), 2, t.ones(2)).dtype
F.rms_norm(t.ones(2, 2, dtype=t.bfloat16), (2,), t.ones(2)).dtype
F.bilinear(t.full((1, 2), 300.0).half(), t.full((1, 2), 300.0).half(), t.tensor([[[1.0, -1.0], [-1.0, 1.0]]]).half())
t.addmv(t.zeros(1).half(), t.full((1, 2), 300.0).half(), t.full((2,), 300.0).half(), alpha=0.1)
t.round(t.tensor([-1.3837890625, 3.8984375]).half(), decimals=3)
x = t.tensor([True, False]); (x.clone().pow_(True), x ** False, x ** True, x ** 2)
nn.GRU(3, 4, proj_size=2)
nn.RNN(3, 4, proj_size=2)
"""

# Errors of the same type whose words differ.
OWN_WORDS = """
t.tensordot(t.ones(2, 3), t.ones(3, 4), dims=1, out=t.empty(0, dtype=t.int64))
t.searchsorted(t.tensor([1, 3, 5]), t.tensor([2, 3]), out=t.empty(0, dtype=t.int32))
t.true_divide(dividend=t.tensor([5]), divisor=2)
t.addmv(t.ones(2), t.ones(0, 3), t.ones(3), beta=0)
F.adaptive_avg_pool2d(t.zeros(2, 2, 0, 12), 3)
t.zeros(2).copy_('a')
t.result_type(tensor1=t.ones(1), tensor2=t.ones(1, dtype=t.float64))
"""


@pytest.mark.parametrize("program", [line for group in (SHAPES, MATH) for line in group.strip().split("\n")])
def test_like_pytorch(program):
    assert_like_pytorch(program)


@pytest.mark.parametrize("program", OWN_WORDS.strip().split("\n"))
def test_errors_in_own_words(program):
    assert_like_pytorch(program, words=False)
