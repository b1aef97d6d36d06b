from corten_nn.functional import *
