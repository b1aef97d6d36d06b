"""Texts, gradients, layers, optimizers and data as programs ask for them, beside PyTorch."""

import pytest

import corten
from tests.programs import assert_like_pytorch

pytest.importorskip("torch")

TEXTS = """
t.isreal(t.tensor([1 + 1j, 1]))
(repr(t.ones(2, dtype=t.float16)), repr(t.ones(2, dtype=t.uint16)), repr(t.ones(2, dtype=t.bool)), repr(t.ones(2, dtype=t.complex64)), repr(t.ones(2, dtype=t.bfloat16)))
(repr(t.ones(2, device='meta')), repr(t.ones((), device='meta', dtype=t.int64)))
(repr(t.ones(2, requires_grad=True)), repr(t.ones(2, requires_grad=True) * 2), repr((t.ones(2, requires_grad=True) * 2).sum()))
(repr(nn.Parameter(t.ones(2))), repr(nn.Parameter(t.ones(2), requires_grad=False)), str(nn.Parameter(t.ones(2))))
repr(nn.Buffer(t.ones(2)))
repr(t.nn.parameter.UninitializedParameter())
(repr(t.empty(0)), repr(t.empty(2, 0)), repr(t.empty(0, dtype=t.int64)), repr(t.empty(0, 3, dtype=t.float64)))
(repr(t.tensor(3.0)), repr(t.tensor(3)), repr(t.tensor(True)), repr(t.tensor(float('nan'))), repr(t.tensor(1e-20)), repr(t.tensor(1j)))
(repr(t.tensor([1e-05, 100000.0, float('inf'), float('nan'), -0.0])), repr(t.tensor([1e-08, 1.0])), repr(t.tensor([10000000000.0, 1.0])))
(repr(t.arange(2000)), repr(t.arange(10000.0).view(100, 100)), repr(t.zeros(11, 11, 11)))
(repr(t.zeros(2, 3).size()), str(t.Size([])), repr(t.Size([1])), t.Size([1, 2]))
(repr(t.float32), repr(t.int64), str(t.bool), repr(t.complex128), str(t.half), str(t.double))
(repr(t.device('cpu')), str(t.device('cpu')), repr(t.device('cuda', 1)), str(t.device('meta')))
(repr(t.finfo(t.float32)), str(t.finfo(t.float16)), repr(t.finfo(t.bfloat16)), repr(t.iinfo(t.int32)), repr(t.iinfo(t.uint8)), repr(t.finfo()))
(repr(t.strided), str(t.sparse_coo), repr(t.contiguous_format), str(t.channels_last), repr(t.preserve_format))
(repr(nn.Linear(2, 3)), repr(nn.Sequential(nn.Linear(2, 3), nn.ReLU())), repr(nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1)])), repr(nn.ModuleDict({'a': nn.ReLU()})))
(repr(nn.ParameterList([nn.Parameter(t.ones(2))])), repr(nn.ParameterDict({'a': nn.Parameter(t.ones(2))})))
repr(nn.Transformer(8, 2, 1, 1, 16))
(repr(nn.LSTM(2, 3, num_layers=2, bidirectional=True)), repr(nn.GRUCell(2, 3)), repr(nn.RNN(2, 3, nonlinearity='relu')))
repr(t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1))
repr(t.optim.Adam([t.ones(1, requires_grad=True)]))
repr(t.optim.AdamW([t.ones(1, requires_grad=True)]))
(repr(t.optim.RMSprop([t.ones(1, requires_grad=True)])), repr(t.optim.Adagrad([t.ones(1, requires_grad=True)])), repr(t.optim.Adadelta([t.ones(1, requires_grad=True)])), repr(t.optim.LBFGS([t.ones(1, requires_grad=True)])))
(repr(t.optim.Adamax([t.ones(1, requires_grad=True)])), repr(t.optim.NAdam([t.ones(1, requires_grad=True)])), repr(t.optim.RAdam([t.ones(1, requires_grad=True)])), repr(t.optim.Rprop([t.ones(1, requires_grad=True)])), repr(t.optim.ASGD([t.ones(1, requires_grad=True)])), repr(t.optim.Adafactor([t.ones(1, requires_grad=True)])))
t.set_printoptions(precision=2); x = repr(t.tensor([1.23456, 7])); t.set_printoptions(profile='default'); x
t.set_printoptions(threshold=5, edgeitems=1); x = repr(t.arange(9.0)); t.set_printoptions(profile='default'); x
t.set_printoptions(sci_mode=True); x = repr(t.arange(3.0)); t.set_printoptions(profile='default'); x
t.set_printoptions(sci_mode=False, linewidth=20); x = repr(t.tensor([1e-09, 1, 1000000000.0])); t.set_printoptions(profile='default', sci_mode=None); x
t.set_printoptions(profile='full'); x = repr(t.arange(1100)); t.set_printoptions(profile='default'); x
t.set_printoptions(profile='short'); x = repr(t.rand(3)); t.set_printoptions(profile='default'); x
('{:.3f}'.format(t.tensor(1.23456)), '{}'.format(t.ones(2)), f'{t.tensor(5):03d}', f'{t.tensor(True)}', f'{t.tensor(1.5):>8}')
'{:.3f}'.format(t.ones(2))
'{:5}'.format(t.ones(1, requires_grad=True).sum())
(str(t.ones(2).grad_fn), str((t.ones(2, requires_grad=True) * 2).grad_fn))
(repr(t.ones(2).dtype.itemsize), t.float32.is_floating_point, t.complex64.is_complex, t.int8.is_signed, t.float64.to_complex(), t.complex64.to_real())
repr(t.max(t.tensor([[1, 2]]), 1))
repr(t.sort(t.tensor([2, 1])))
str(t.linalg.slogdet(t.eye(2)))
repr(nn.Module())
(repr(nn.CrossEntropyLoss()), repr(nn.MSELoss()), repr(nn.BCEWithLogitsLoss()), repr(nn.SmoothL1Loss()), repr(nn.HuberLoss()))
t.get_default_dtype()
repr(t.Generator().get_state()[:2])
repr(t.ones(2).data_ptr() != 0)
t.utils.data.TensorDataset(t.ones(2)).__class__.__name__
(t.pi, t.e, t.inf, t.nan, t.newaxis)
"""

AUTOGRAD = """
x = t.ones(2, requires_grad=True); (x * 3).sum().backward(); x.grad
x = t.ones(2, requires_grad=True); (x * 3).backward(t.tensor([1.0, 2.0])); x.grad
x = t.ones(2, requires_grad=True); (x * 3).backward(gradient=t.ones(2), retain_graph=True, create_graph=False, inputs=[x]); x.grad
x = t.ones(2, requires_grad=True); (x * 3).backward()
x = t.ones(2, requires_grad=True); t.autograd.backward([x * 3, x * 2], [t.ones(2), t.ones(2)]); x.grad
x = t.ones(2, requires_grad=True); t.autograd.backward(x * 3, grad_variables=t.ones(2)); x.grad
x = t.ones(2, requires_grad=True); t.autograd.backward(tensors=(x * 3).sum(), grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=x); x.grad
x = t.ones(2, requires_grad=True); t.autograd.backward([x * 3], grad_tensors=[t.ones(2)], grad_variables=[t.ones(2)])
x = t.ones(2, requires_grad=True); t.autograd.grad((x * 3).sum(), x)
x = t.ones(2, requires_grad=True); t.autograd.grad(outputs=x * 3, inputs=x, grad_outputs=t.ones(2), retain_graph=True, create_graph=True, only_inputs=True, allow_unused=None, is_grads_batched=False, materialize_grads=False)
x = t.ones(2, requires_grad=True); t.autograd.grad(x * 3, x, grad_outputs=t.eye(2), is_grads_batched=True)
x = t.ones(2, requires_grad=True); y = t.ones(2, requires_grad=True); t.autograd.grad((x * 3).sum(), [x, y], allow_unused=True)
x = t.ones(2, requires_grad=True); y = t.ones(2, requires_grad=True); t.autograd.grad((x * 3).sum(), [x, y])
x = t.ones(2, requires_grad=True); y = t.ones(2, requires_grad=True); t.autograd.grad((x * 3).sum(), [x, y], materialize_grads=True)
x = t.ones(2, requires_grad=True); t.autograd.grad((x * 3).sum(), x, only_inputs=False)
x = t.tensor(2.0, requires_grad=True); g, = t.autograd.grad(x ** 4, x, create_graph=True); h, = t.autograd.grad(g, x, create_graph=True); t.autograd.grad(h, x)
x = t.ones(2, requires_grad=True); y = (x * x).sum(); y.backward(); y.backward()
x = t.ones(2); x.sum().backward()
t.autograd.functional.vjp(lambda x: (x ** 2).sum(), t.ones(2))
t.autograd.functional.vjp(lambda x: x ** 2, t.ones(2), t.ones(2), create_graph=False, strict=False)
t.autograd.functional.jvp(lambda x: x ** 2, t.ones(2), t.ones(2))
t.autograd.functional.jacobian(lambda x: x ** 2, t.ones(2))
t.autograd.functional.jacobian(lambda x, y: (x * y, x), (t.ones(2), t.ones(2)), create_graph=True, strict=False, vectorize=False, strategy='reverse-mode')
t.autograd.functional.jacobian(lambda x: x ** 2, t.ones(2), vectorize=True)
t.autograd.functional.hessian(lambda x: (x ** 3).sum(), t.ones(2))
t.autograd.functional.hessian(lambda x: (x ** 3).sum(), t.ones(2), vectorize=True, outer_jacobian_strategy='reverse-mode')
t.autograd.functional.vhp(lambda x: (x ** 3).sum(), t.ones(2), t.ones(2))
t.autograd.functional.hvp(lambda x: (x ** 3).sum(), t.ones(2), v=t.ones(2))
t.set_anomaly_enabled(False)
t.is_anomaly_check_nan_enabled()
t.autograd.set_detect_anomaly(True, check_nan=False); a = t.is_anomaly_enabled(); t.autograd.set_detect_anomaly(False); a
x = t.ones(2, requires_grad=True); y = x * 2; y.retain_grad(); y.sum().backward(); (y.grad, y.retains_grad)
x = t.ones(2, requires_grad=True); h = x.register_hook(lambda g: g * 2); x.sum().backward(); h.remove(); x.grad
x = t.ones(2, requires_grad=True); y = (x * x).grad_fn; y._saved_self
x = t.ones(2, requires_grad=True); y = x.detach(); y.requires_grad
x = t.ones(2, requires_grad=True); x.requires_grad_(False).requires_grad
x = t.ones(2, requires_grad=True); x += 1
x = t.ones(2, requires_grad=True); t.no_grad().__enter__(); x += 1; t.set_grad_enabled(True); x
t.ones(2, dtype=t.int64, requires_grad=True)
t.ones(2).requires_grad_().grad
x = t.ones(2, requires_grad=True); x.grad = t.ones(3)
x = t.ones(2, requires_grad=True); x.grad = t.ones(2); x.grad
x = t.ones(2, requires_grad=True); x.data *= 3; x
x = t.ones(2, requires_grad=True); (x * 1).requires_grad_(False)
x = t.ones(2, requires_grad=True); (x * 1).grad
x = t.ones(2, requires_grad=True); ((x * 1).is_leaf, x.output_nr, x._version, (x * 1).grad_fn.__class__.__name__)
t.autograd.gradcheck(lambda x: x ** 2, t.ones(2, dtype=t.float64, requires_grad=True))
t.autograd.gradcheck(lambda x: x ** 2, t.ones(2, dtype=t.float64, requires_grad=True), eps=1e-06, atol=1e-05, rtol=0.001, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False, check_backward_ad=True, fast_mode=False, masked=None)
t.autograd.gradgradcheck(lambda x: x ** 3, t.ones(2, dtype=t.float64, requires_grad=True))
t.autograd.graph.register_multi_grad_hook
t.func.vmap(lambda x: x * 2)(t.ones(3, 2))
t.vmap(lambda x: x.sum())(t.ones(3, 2))
(t.enable_grad().__class__.__name__, t.no_grad().__class__.__name__, t.set_grad_enabled(True).__class__.__name__)
"""

MODULES = """
m = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)); ([n for n, _ in m.named_parameters()], [n for n, _ in m.named_modules()], [type(c).__name__ for c in m.children()])
m = nn.Linear(2, 2); m.weight.data.fill_(1); m.bias.data.zero_(); m(t.ones(1, 2))
m = nn.Linear(2, 2); m.foo = nn.Parameter(t.ones(1)); list(m.state_dict())
m = nn.Linear(2, 2); m.weight = t.ones(2, 2)
m = nn.Linear(2, 2); m.weight = None; list(m.state_dict())
m = nn.Linear(2, 2); del m.bias; list(m.state_dict())
m = nn.Linear(2, 2); m.apply(lambda x: nn.init.ones_(x.weight)).weight
m = nn.Linear(2, 2); m.train(False).training
m = nn.Linear(2, 2); m.train('a')
m = nn.Linear(2, 2); h = []; m.register_forward_hook(lambda m, i, o: h.append(o.shape)); m(t.ones(3, 2)); h
m = nn.Linear(2, 2); m.register_forward_pre_hook(lambda m, i: (i[0] * 2,)); m(t.ones(3, 2)).shape
m = nn.Linear(2, 2); h = []; m.register_full_backward_hook(lambda m, gi, go: h.append((gi[0] is None, go[0].shape))); m(t.ones(3, 2)).sum().backward(); h
m = nn.Sequential(); m.add_module('a', nn.ReLU()); m
m = nn.ModuleDict({'a': nn.ReLU()}); m['b'] = nn.Tanh(); (list(m.keys()), 'a' in m, len(m))
nn.ModuleList([1])
nn.Sequential(1)
nn.Sequential(nn.ReLU())['a']
nn.Sequential(nn.ReLU())[3]
nn.Module().register_buffer('a.b', t.ones(1))
nn.Module().register_parameter('a', t.ones(1))
nn.Parameter(t.ones(2, dtype=t.int64))
nn.Embedding(3, 2)(t.tensor([3]))
nn.Embedding(3, 2)(t.tensor([1.5]))
nn.Embedding.from_pretrained(t.eye(2))(t.tensor([1]))
nn.CrossEntropyLoss()(t.zeros(2, 3), t.tensor([0, 3]))
nn.CrossEntropyLoss()(t.zeros(2, 3), t.tensor([0.0, 1.0]))
nn.CrossEntropyLoss()(t.zeros(2, 3), t.tensor([0, 1], dtype=t.int32))
nn.CrossEntropyLoss(ignore_index=0)(t.zeros(2, 3), t.tensor([0, 0]))
nn.NLLLoss()(t.zeros(2, 3), t.tensor([0, 1, 2]))
nn.BCELoss()(t.tensor([1.5]), t.tensor([1.0]))
nn.BCEWithLogitsLoss(pos_weight=t.tensor([2.0]))(t.ones(1), t.ones(1))
nn.KLDivLoss(reduction='batchmean', log_target=True)(t.zeros(2, 2), t.zeros(2, 2))
(F.softmax(t.ones(2), dim=0), F.log_softmax(t.ones(2), -1), F.softmin(t.ones(2), 0))
(F.relu(t.tensor([-1, 1])), F.gelu(t.ones(1), approximate='tanh'), F.leaky_relu(t.tensor([-1.0]), 0.2, True))
F.conv2d(t.ones(1, 1, 3, 3), t.ones(1, 1, 2, 2), padding='same').shape
F.conv2d(t.ones(1, 1, 3, 3), t.ones(1, 1, 5, 5))
F.conv1d(t.ones(1, 1, 3), t.ones(1, 1, 2), stride=0)
F.max_pool2d(t.ones(1, 1, 1, 1), 2)
F.avg_pool2d(t.ones(1, 1, 3, 3), 2, ceil_mode=True)
F.adaptive_avg_pool2d(t.ones(1, 1, 3, 3), (None, 1)).shape
F.interpolate(t.ones(1, 1, 2, 2), size=(3, 3), mode='bilinear', align_corners=True)
F.interpolate(t.ones(1, 1, 2, 2))
F.batch_norm(t.ones(1, 2), None, None, training=True)
F.layer_norm(t.ones(2, 3), (2,))
F.linear(t.ones(2, 3), t.ones(2, 2))
F.embedding_bag(t.tensor([0, 1]), t.eye(2), t.tensor([0]))
F.pixel_shuffle(t.ones(1, 3, 2, 2), 2)
F.one_hot(t.tensor([-1]))
(F.cosine_similarity(t.ones(1, 2), t.ones(1, 2)), F.pairwise_distance(t.ones(1, 2), t.zeros(1, 2)))
(F.pad(t.ones(1, 2, 2), (1, 1), mode='reflect'), F.pad(t.ones(2, 2), (1, 1, 1, 1), value=2))
(F.unfold(t.ones(1, 1, 3, 3), 2).shape, F.fold(t.ones(1, 4, 4), (3, 3), 2).shape)
(F.dropout(t.ones(8), 0.5, True), F.dropout2d(t.ones(1, 4, 2, 2), 0.5), F.alpha_dropout(t.ones(4), 0.5, True), F.feature_alpha_dropout(t.ones(1, 4, 2), 0.5, True))
t.nn.utils.clip_grad_norm_([], 1.0)
o = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.1); (o.step(), o.zero_grad(), o.add_param_group({'params': [t.zeros(1, requires_grad=True)], 'lr': 3}), len(o.param_groups))
o = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.1); o.add_param_group({'params': o.param_groups[0]['params']})
p = t.zeros(1, requires_grad=True); o = t.optim.SGD([p], lr=0.1); o.load_state_dict(t.optim.Adam([p]).state_dict()); o.param_groups[0]['lr']
p = t.zeros(1, requires_grad=True); o = t.optim.SGD([p], lr=0.1); o.load_state_dict({'state': {}, 'param_groups': []})
o = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.1); s = t.optim.lr_scheduler.StepLR(o, 1); o.step(); s.step(); (s.get_last_lr(), s.state_dict())
o = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.1); s = t.optim.lr_scheduler.LambdaLR(o, lambda e: 0.5 ** e); [(o.step(), s.step(), o.param_groups[0]['lr'])[2] for _ in range(3)]
o = t.optim.SGD([t.zeros(1, requires_grad=True)], lr=0.1); t.optim.lr_scheduler.ReduceLROnPlateau(o, verbose=True)
t.optim.lr_scheduler.StepLR(3, 1)
p = t.ones(1, requires_grad=True); o = t.optim.Adam([p], lr=t.tensor(0.1)); p.sum().backward(); o.step(); p
p = t.ones(2, requires_grad=True); o = t.optim.Adam([{'params': [p], 'weight_decay': 0.1}]); p.sum().backward(); o.step(lambda: t.tensor(3.0))
(t.cuda.is_available(), t.cuda.device_count())
t.get_num_threads() > 0
t.are_deterministic_algorithms_enabled() or True
t.use_deterministic_algorithms(True); t.use_deterministic_algorithms(False)
t.version.cuda
t.testing.assert_close(t.ones(2), t.ones(2))
t.testing.assert_close(t.ones(2), t.zeros(2))
t.is_inference_mode_enabled()
t.utils.checkpoint.checkpoint(lambda x: x * 2, t.ones(2, requires_grad=True), use_reentrant=False)
nn.CrossMapLRN2d(3)(t.ones(1, 4, 2, 2))
nn.SyncBatchNorm(3).eval()(t.ones(2, 3, 2))
repr(nn.SyncBatchNorm(3))
nn.SyncBatchNorm(3)(t.ones(2, 3, 2))
repr(nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())))
t.nn.utils.spectral_norm(nn.Linear(2, 3))
t.nn.utils.remove_spectral_norm(t.nn.utils.spectral_norm(nn.Linear(2, 3)))
list(t.nn.utils.spectral_norm(nn.Conv2d(2, 3, 2)).state_dict())
F.linear_cross_entropy
t.nn.utils.convert_conv2d_weight_memory_format
F.scaled_dot_product_attention(t.ones(1, 2, 3), t.ones(1, 2, 3), t.ones(1, 2, 3))
F.one_hot(t.arange(3), 5)
F.grid_sample(t.ones(1, 1, 2, 2), t.zeros(1, 2, 2, 2), align_corners=False)
F.interpolate(t.ones(1, 1, 2, 2), scale_factor=2)
F.multi_head_attention_forward
F.gumbel_softmax(t.zeros(3), hard=True).shape
F.cross_entropy(t.ones(2, 3), t.tensor([0, 1]), weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean', label_smoothing=0.1)
(F.pad(t.ones(2), (1, 1), 'constant', 3.0), F.normalize(t.ones(2), dim=0))
(nn.init.xavier_uniform_(t.empty(2, 2), gain=nn.init.calculate_gain('relu')), nn.init.kaiming_normal_(t.empty(2, 2), mode='fan_out', nonlinearity='relu'), nn.init.orthogonal_(t.empty(2, 2)).shape, nn.init.trunc_normal_(t.empty(3)), nn.init.sparse_(t.empty(3, 3), 0.3), nn.init.eye_(t.empty(2, 2)), nn.init.dirac_(t.empty(2, 2, 1)), nn.init.constant_(t.empty(2), 3))
nn.init.xavier_uniform(t.empty(2, 2))
nn.init.normal_(t.empty(3), mean=1, std=2, generator=t.Generator().manual_seed(1))
nn.utils.clip_grad_norm_([t.ones(2, requires_grad=True)], 1.0)
nn.utils.clip_grad_norm_(nn.Linear(2, 2).parameters(), 1.0, norm_type=2.0, error_if_nonfinite=True, foreach=None)
nn.utils.clip_grad_value_
nn.Linear(2, 2, bias=False, device='cpu', dtype=t.float64).weight.dtype
nn.Linear(2, 2, device='meta').weight.device
(nn.Linear(2, 2).double().weight.dtype, nn.Linear(2, 2).half().weight.dtype, nn.Linear(2, 2).to(t.float64).weight.dtype)
nn.Linear(2, 2)(t.ones(3, 3))
nn.Conv2d(1, 1, 3)(t.ones(1, 2, 5, 5))
nn.BatchNorm2d(3)(t.ones(2, 3))
nn.BatchNorm1d(3)(t.ones(1, 3))
nn.Module().foo
nn.Module()(1)
m = nn.Linear(2, 2); m.load_state_dict({'weight': t.ones(2, 2)})
m = nn.Linear(2, 2); str(m.load_state_dict({'weight': t.ones(2, 2)}, strict=False))
m = nn.Linear(2, 2); m.load_state_dict({'weight': t.ones(3, 2), 'bias': t.ones(2), 'x': t.ones(1)})
m = nn.Linear(2, 2); str(m.load_state_dict(m.state_dict()))
t.optim.SGD([], lr=0.1)
t.optim.SGD(t.ones(1), lr=0.1)
t.optim.SGD([t.ones(1, requires_grad=True)])
t.optim.SGD([t.ones(1, requires_grad=True)], lr=-1)
t.optim.Adam([{'params': t.ones(1, requires_grad=True), 'lr': 3}], lr=0.1).param_groups[0]['lr']
o = t.optim.SGD([t.ones(1, requires_grad=True)], lr=0.1, momentum=0.9, dampening=0, weight_decay=0, nesterov=True, maximize=False, foreach=None, differentiable=False, fused=None); o.state_dict()
o = t.optim.Adam([t.ones(1, requires_grad=True)], lr=0.1, betas=(0.9, 0.99), eps=1e-08, weight_decay=0, amsgrad=True, foreach=False, maximize=True, capturable=False, differentiable=False, fused=False, decoupled_weight_decay=False); o.state_dict()
sorted((n for n in dir(t.optim.lr_scheduler) if n.endswith('LR') or 'Warm' in n or 'Plateau' in n))
(nn.Sequential(nn.Linear(1, 1)).append(nn.ReLU()), len(nn.Sequential(nn.ReLU())), nn.Sequential(nn.ReLU(), nn.Tanh())[1:], nn.Sequential(nn.ReLU()).insert(0, nn.Tanh()))
nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh())
(nn.ModuleList([nn.ReLU()]).extend([nn.Tanh()]), nn.ParameterList([t.ones(1)]))
(nn.Flatten()(t.ones(2, 3, 4)).shape, nn.Unflatten(1, (1, 3))(t.ones(2, 3)).shape, nn.Identity(3, a=2)(5))
nn.functional.dropout(t.ones(5), p=0.5, training=False)
nn.Dropout(1.5)
nn.Dropout(0.5)(t.ones(8))
nn.Dropout2d(0.5)(t.ones(1, 4, 2, 2))
F.dropout(t.ones(4), p=2)
nn.RReLU()(t.tensor([-1.0, 1.0]))
nn.Transformer(8, 2, 1, 1, 16, batch_first=True).eval()(t.ones(1, 3, 8), t.ones(1, 2, 8)).shape
t.nn.Buffer(t.ones(2), persistent=False).persistent
m = nn.Module(); m.register_buffer('a', t.ones(1), persistent=False); (list(m.state_dict()), list(m.named_buffers()))
m = nn.Linear(2, 2); m.zero_grad(set_to_none=True); m.requires_grad_(False).weight.requires_grad
t.nn.utils.get_total_norm([t.ones(4)])
t.nn.modules.container.Sequential.__name__
t.nn.utils.rnn.pad_sequence([t.ones(2), t.ones(3)], batch_first=True, padding_value=-1, padding_side='left')
t.nn.utils.rnn.unpad_sequence(t.ones(3, 2), t.tensor([3, 1]))
"""
DATA = """
t.utils.data.DataLoader(t.utils.data.TensorDataset(t.arange(5)), batch_size=2, shuffle=True).__len__()
[b[0].tolist() for b in t.utils.data.DataLoader(t.utils.data.TensorDataset(t.arange(7)), batch_size=3, shuffle=True)]
[b[0].tolist() for b in t.utils.data.DataLoader(t.utils.data.TensorDataset(t.arange(7)), batch_size=3, drop_last=True)]
[b.tolist() for b in t.utils.data.DataLoader(range(5), batch_size=2)]
[b for b in t.utils.data.DataLoader([{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'y'}], batch_size=2)]
[b for b in t.utils.data.DataLoader([(1, 2.5), (3, 4.5)], batch_size=2)]
[b for b in t.utils.data.DataLoader([np.ones(2), np.zeros(2)], batch_size=2)]
[len(x) for x in t.utils.data.random_split(range(10), [0.3, 0.7])]
[list(x) for x in t.utils.data.random_split(range(10), [3, 7], generator=t.Generator().manual_seed(42))]
t.utils.data.random_split(range(10), [3, 6])
list(t.utils.data.Subset(range(10), [1, 3]))
list(t.utils.data.ConcatDataset([range(2), range(3)]))
list(t.utils.data.RandomSampler(range(5)))
list(t.utils.data.RandomSampler(range(5), replacement=True, num_samples=7))
list(t.utils.data.WeightedRandomSampler([0.1, 0.9, 0.5], 5))
list(t.utils.data.BatchSampler(t.utils.data.SequentialSampler(range(5)), 2, False))
list(t.utils.data.SubsetRandomSampler([3, 4, 5]))
t.utils.data.DataLoader(range(3), batch_size=0)
t.utils.data.DataLoader(range(3), shuffle=True, sampler=[1])
t.utils.data.TensorDataset(t.ones(2), t.ones(3))
t.utils.data.default_collate([t.ones(2), t.ones(2)])
t.utils.data.get_worker_info()
next(iter(t.utils.data.DataLoader(range(3), batch_size=None)))
b = io.BytesIO(); t.save({'a': t.ones(2), 'b': [1, (2, 'x')], 'c': None}, b); b.seek(0); t.load(b)
b = io.BytesIO(); t.save(nn.Linear(2, 1).state_dict(), b); b.seek(0); list(t.load(b, weights_only=True))
b = io.BytesIO(); t.save(nn.Linear(2, 1).state_dict(), b); b.seek(0); t.load(b, map_location='cpu')['bias'].device
b = io.BytesIO(); t.save(nn.Linear(2, 1), b); b.seek(0); t.load(b, weights_only=False)
t.load('/nonexistent')
b = io.BytesIO(); x = t.arange(4.0); t.save([x, x[1:3]], b); b.seek(0); r = t.load(b); r[0][1] = 9; r[1]
"""

# Errors of the same type whose words differ.
OWN_WORDS = """
b = io.BytesIO(); t.save(nn.Linear(2, 1), b); b.seek(0); t.load(b)
nn.MSELoss()(t.ones(2), t.ones(3))
F.pad(t.ones(2), (1,))
t.finfo(t.int32)
t.iinfo(t.float32)
t.ones(2).to('foo')
t.foo
x = t.ones(2, requires_grad=True); y = x.exp(); y += 1; y.sum().backward()
nn.Linear(2, 2)(t.ones(3, 2).double())
"""


@pytest.mark.parametrize(
    "program", [line for group in (TEXTS, AUTOGRAD, MODULES, DATA) for line in group.strip().split("\n")]
)
def test_like_pytorch(program):
    assert_like_pytorch(program)


@pytest.mark.parametrize("program", OWN_WORDS.strip().split("\n"))
def test_errors_in_own_words(program):
    assert_like_pytorch(program, words=False)


ABSENT = {
    "t.sparse_coo_tensor([[0]], [1.0], (2,))": "sparse tensors",
    "t.sparse_csr_tensor([0, 1], [0], [1.0])": "sparse tensors",
    "t.sparse.mm": "sparse tensors",
    "t.optim.SparseAdam([t.ones(1, requires_grad=True)])": "sparse tensors",
    "t.nn.Embedding(3, 2, sparse=True)(t.tensor([1]))": "sparse tensors",
    "t.nn.functional.embedding(t.tensor([1]), t.ones(3, 2), sparse=True)": "sparse tensors",
    "t.gather(t.ones(2), 0, t.tensor([1]), sparse_grad=True)": "sparse tensors",
    "t.zeros(2, layout=t.sparse_csr)": "sparse_csr is not supported",
    "t.quantize_per_tensor(t.ones(2), 0.1, 0, None)": "quantised tensors",
    "t.nested.nested_tensor([t.ones(2)])": "nested tensors",
    "t.jit.script": "compiler",
    "t.distributed.is_available()": "several processes",
}


@pytest.mark.parametrize("program", ABSENT)
def test_what_is_not_there_says_so(program):
    with pytest.raises((AttributeError, NotImplementedError), match=ABSENT[program]):
        eval(program, {"t": corten})
