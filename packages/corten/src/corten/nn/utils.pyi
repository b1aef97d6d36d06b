from corten_nn.utils import *
