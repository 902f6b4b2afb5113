// Networks: layers, models, initialisers, optimisers, training, and the files they come from and go to.
//
//   Files       safetensors, npy and npz, IDX, CIFAR, PNG: hostile files are refused, written files are whole or absent
//   Layers      what a layer is, and every layer
//   Models      compositions with parameters, their gradients, the ready-made models
//   Optimisers  SGD, Adam, RMSprop, L-BFGS as in torch.optim; learning-rate schedules
//   Training    train, predict, accuracy
