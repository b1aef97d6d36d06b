from corten_nn.distributions import *
