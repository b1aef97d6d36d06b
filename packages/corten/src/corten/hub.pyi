from corten_nn.hub import *
