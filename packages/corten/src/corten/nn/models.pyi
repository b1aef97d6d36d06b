from corten_nn.models import *
